"""The schedule "plateau" is optax's and torch's, and a resumed run has the rates of one that never stopped.

`tests/parity/test_training_formulas.py` compares it with torch itself; `test_resume.py` resumes within an epoch.
"""

import signal
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax.contrib
import pytest
from short_runs import DATASET, final_state, measured_rows, run, with_recipe

from zoo.errors import ZooError
from zoo.training import Recipe, feed
from zoo.training.evaluation import Evaluator
from zoo.training.plateau import first_plateau, metric_of, next_plateau
from zoo.training.resume_config import ResumeRequest, resume_config

SETTINGS = {
    **{"schedule": "plateau", "plateau_metric": "test_error", "plateau_patience": 0, "decay_rate": 0.25},
    # So low that the error hardly changes.
    **{"learning_rate": 1e-4, "epochs": 5},
}
VALUES = [1.0, 0.9, 0.95, 0.89999, 0.91, np.nan, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.49, 0.49, 0.49, 0.49, 0.48, np.inf]


def scales(recipe, values):
    plateau, found = first_plateau(recipe), []
    for value in values:
        plateau = next_plateau(plateau, value, recipe)
        found.append(float(plateau["scale"]))
    return found


@pytest.mark.parametrize("patience", [0, 2])
def test_it_is_that_of_optax(patience):
    # Optax lowers the rate at the evaluation with this number, torch after it.
    theirs = optax.contrib.reduce_on_plateau(0.3, patience + 1, rtol=1e-4)

    def follow(state, value):
        state = theirs.update({}, state, value=value)[1]
        return state, state.scale

    start = theirs.init({"": jnp.zeros(())})
    expected = jax.jit(partial(jax.lax.scan, follow))(start, jnp.array(VALUES, jnp.float32))[1]
    found = scales(Recipe(schedule="plateau", decay_rate=0.3, plateau_patience=patience), VALUES)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[-1] < 0.3


def test_the_metric_of_an_evaluation():
    evaluation = {"test_loss": 0.5, "test_accuracy": 0.75}
    assert metric_of(evaluation, Recipe()) == 0.5
    assert metric_of(evaluation, Recipe(plateau_metric="test_error")) == 0.25
    assert np.isnan(metric_of({**evaluation, "test_loss": None}, Recipe()))


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """The folder of a run that was never stopped."""
    path = tmp_path_factory.mktemp("plateau") / "whole"
    assert run(path, config=with_recipe(**SETTINGS)).step == 20
    return path


@pytest.mark.slow
def test_the_rates_of_a_run_follow_from_its_evaluations(whole):
    rows = measured_rows(whole)
    errors = [1 - row["test_accuracy"] for row in rows]
    following = [1.0, *scales(Recipe(**SETTINGS), errors)]
    rates = [row["learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, [1e-4 * scale for scale in following[:-1]], rtol=1e-5)
    assert rates[-1] < rates[0]
    assert final_state(whole)["plateau"]["scale"] == np.float32(following[-1])


@pytest.mark.slow
def test_a_run_that_is_stopped_in_an_evaluation_and_killed_after_it_is_the_same(whole, tmp_path, monkeypatch):
    def stopping(self, state, evaluate=Evaluator.evaluate):
        if int(state.step) == 8:
            signal.raise_signal(signal.SIGTERM)
        return evaluate(self, state)

    def killed(self, step):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", stopping)
        assert run(tmp_path / "run", config=with_recipe(**SETTINGS)).step == 8
    with monkeypatch.context() as patch:
        # Only the metrics are added to the checkpoint when the evaluation is made up for.
        patch.setattr(feed.Streamed, "inputs", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "run", resume=True)
    assert run(tmp_path / "run", resume=True).step == 20
    assert measured_rows(tmp_path / "run") == measured_rows(whole)
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run"), final_state(whole))


def test_it_is_for_a_whole_run():
    for stored, given in (("plateau", "cosine"), ("cosine", "plateau")):
        request = ResumeRequest(model="tiny", overrides={"schedule": given, "epochs": 9})
        with pytest.raises(ZooError, match=f"has schedule {stored}.*leave out --schedule {given}"):
            resume_config(with_recipe(schedule=stored), Path("run"), DATASET, request, step=4)
