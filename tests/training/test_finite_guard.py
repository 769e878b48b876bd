"""What happens to a run whose numbers are not finite any more."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from short_runs import final_params, run, with_recipe

import zoo
from zoo.training import RunFolder, feed
from zoo.training.checkpoint.checkpoints import open_checkpointer
from zoo.training.config.run_options import RunOptions
from zoo.training.finite_guard import FiniteGuard

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def nan_at(monkeypatch):
    """Puts NaN into the batches of steps, counted from 0."""

    def spoil(*steps):
        def batch(self, inputs, step):
            spoiled = jnp.isin(step, jnp.array(steps))
            return {**inputs, "image": jnp.where(spoiled, jnp.nan, inputs["image"].astype(jnp.float32))}

        monkeypatch.setattr(feed.Streamed, "batch", batch)

    return spoil


def test_nan_stops_the_run_and_names_the_step_and_the_last_checkpoint(nan_at, tmp_path):
    nan_at(5)
    with pytest.raises(
        zoo.ZooError, match=r"not finite at step 6: --resume continues from step 4, in .*, with --skip-nonfinite 5"
    ) as error:
        run(tmp_path / "run")
    assert "\n" not in str(error.value)
    assert [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()] == [4]


def test_a_step_that_was_not_finite_is_found_before_it_is_saved(nan_at, tmp_path):
    nan_at(5)
    with pytest.raises(zoo.ZooError, match="not finite at step 6: --resume continues from step 5,"):
        run(tmp_path / "run", save_every="1")


def test_before_the_first_checkpoint_there_is_none_to_name(nan_at, tmp_path):
    nan_at(0)
    with pytest.raises(zoo.ZooError, match="not finite at step 1: nothing was saved before"):
        run(tmp_path / "run")


def test_updates_that_are_not_finite_are_left_out_by_flag(nan_at, tmp_path):
    nan_at(5)
    outcome = run(tmp_path / "run", skip_nonfinite=1, config=with_recipe(ema=0.9))
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert outcome.step == 12 and [row["skipped"] for row in rows] == [0, 1, 0]
    assert all(np.isfinite(row["loss"]) for row in rows)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(final_params(tmp_path / "run")))


def test_a_step_that_is_not_finite_changes_nothing_but_the_clock(nan_at, tmp_path):
    nan_at(*range(4, 8))
    run(tmp_path / "skipping", skip_nonfinite=4, save_every="1", config=with_recipe(epochs=2), keep=9)
    with open_checkpointer(RunFolder(tmp_path / "skipping"), 9) as checkpointer:
        states = [checkpointer.load_checkpointables(step, {"state": None})["state"] for step in (4, 8)]
    assert [int(state["step"]) for state in states] == [4, 8]
    for name in ("params", "batch_stats", "opt_state"):
        jax.tree.map(np.testing.assert_array_equal, states[0][name], states[1][name])


def test_more_in_a_row_than_allowed_stop_the_run(nan_at, tmp_path):
    nan_at(2, 5, 6, 7)
    with pytest.raises(zoo.ZooError, match="not finite at step 8, and the last 3 updates were skipped"):
        run(tmp_path / "run", skip_nonfinite=2)


def test_an_update_between_begins_the_count_again():
    guard = FiniteGuard(1, 0, lambda: "")
    for finite in (False, True, False, True, False):
        guard.check({"finite": jnp.array(finite)})
    with pytest.raises(zoo.ZooError, match="at step 6"):
        guard.check({"finite": jnp.array(False)})


def test_an_update_that_overflows_is_found_though_loss_and_gradient_are_finite(tmp_path, monkeypatch):
    # Beyond the range of a recipe.
    monkeypatch.setattr("zoo.training.optimizer.learning_rate_schedule", lambda *_: lambda update: 1e30)
    with pytest.raises(zoo.ZooError, match="its gradient or the update was not finite at step 1: nothing was saved"):
        run(tmp_path / "run", config=with_recipe(optimizer="sgd"))


def test_a_negative_limit_is_one_clear_line():
    with pytest.raises(zoo.ZooError, match="skip_nonfinite is -1: it must be a whole number from 0"):
        RunOptions(skip_nonfinite=-1)
