"""The best checkpoint is the same one wherever it is named, kept or used; of equals it is the last."""

import dataclasses

import pytest
from short_runs import CONFIG, Printed, run, with_recipe

from zoo.report.run.curve_panels import curve_panels
from zoo.training import RunFolder, checkpoint_weights
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.evaluation import Evaluator
from zoo.training.logging.curves import curves_figure
from zoo.training.logging.rows import best_evaluation, read_evaluations

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [
        ((0.5, 0.7, 0.7, 0.6), 3),
        pytest.param((0.7, 0.7, 0.6, 0.5), 2, marks=pytest.mark.slow),
        pytest.param((0.5, 0.5, 0.5, 0.5), 4, marks=pytest.mark.slow),
        pytest.param((0.0, 0.0, 0.0, 0.0), 4, marks=pytest.mark.slow),
    ],
)
def test_equal_bests(tmp_path, monkeypatch, accuracies, best):
    given = iter(accuracies)
    monkeypatch.setattr(Evaluator, "evaluate", lambda self, state: {"test_loss": 1.0, "test_accuracy": next(given)})
    run(tmp_path / "run", config=with_recipe(epochs=4), keep=1, printed=Printed())
    rows = read_evaluations(RunFolder(tmp_path / "run"))
    assert best_evaluation(rows)["epoch"] == best
    assert f"(epoch {best})" in curves_figure(rows, "").axes[1].get_title(loc="right")
    marked = curve_panels(rows)[1].curves[1]
    assert marked.best == marked.segments[0][best - 1]
    assert saved_steps(RunFolder(tmp_path / "run")) == sorted({4 * best, 16})
    assert str(checkpoint_weights(tmp_path / "run").source) == (
        f"step {4 * best} of {tmp_path / 'run'} (the best: epoch {best}, test accuracy {accuracies[best - 1]:.4f})"
    )


def test_evaluations_that_are_not_finite_are_not_the_best():
    rows = [{"epoch": 1, "test_accuracy": 0.1}, {"epoch": 2, "test_accuracy": None}, {"epoch": 3, "loss": 1.0}]
    assert best_evaluation(rows) is rows[0]
    assert best_evaluation(rows[1:]) is None


def test_a_checkpoint_that_was_not_evaluated(tmp_path, monkeypatch):
    monkeypatch.setattr(Evaluator, "evaluate", lambda self, state: None)
    config = dataclasses.replace(CONFIG, recipe=dataclasses.replace(CONFIG.recipe, epochs=1))
    run(tmp_path / "run", config=config, save_every="2")
    step = saved_steps(RunFolder(tmp_path / "run"))[-1]
    source = checkpoint_weights(tmp_path / "run").source
    assert str(source) == f"step {step} of {tmp_path / 'run'} (the latest, not evaluated)"
