"""What is due after each step, and runs that log and evaluate between the ends of their epochs."""

import signal

import jax
import numpy as np
import pytest
from short_runs import CONFIG, Printed, final_state, measured_rows, run, with_recipe

from zoo.training import Recipe, RunFolder, RunOptions, feed
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.evaluation import Evaluator
from zoo.training.logging.rows import is_evaluation, read_evaluations
from zoo.training.logging.step_metrics import StepMetrics
from zoo.training.schedule import Due, SaveTimer, Schedule, TrainingPlan
from zoo.training.stop_signals import StopRequest


class OneProcess:
    """The agreement of a single process."""

    def maximum(self, *values):
        return values


def schedule(stop=None, **options):
    """That of 3 epochs of 4 steps."""
    plan = TrainingPlan(Recipe(epochs=3, batch_size=16), 70)
    return Schedule(plan, RunOptions(**options), stop or StopRequest(), OneProcess())


def steps_due(name, **options):
    """The steps of 12 after which something is due."""
    one = schedule(**options)
    return [step for step in range(1, 13) if getattr(one.due(step), name)]


def test_evaluations_and_checkpoints_at_the_end_of_each_epoch_by_default():
    assert steps_due("evaluate") == steps_due("save") == [4, 8, 12]
    assert steps_due("log") == []


def test_intervals_in_steps():
    assert steps_due("log", log_every=5) == [5, 10]
    assert steps_due("evaluate", eval_every=3) == steps_due("save", eval_every=3) == [3, 4, 6, 8, 9, 12]
    assert steps_due("save", save_every="5") == [4, 5, 8, 10, 12]


def test_a_stop_saves_and_names_the_signal():
    stop = StopRequest()
    one = schedule(stop)
    assert one.due(1) == Due() and not one.due(1)
    stop.number = signal.SIGTERM
    assert one.due(2) == Due(save=True, stop=signal.SIGTERM)


def test_the_save_timer_expires_once_per_interval():
    assert not SaveTimer(0).expired()
    now = iter([0.0, 59.0, 61.0, 61.0, 100.0, 122.0, 122.0, 130.0, 189.0])
    timer = SaveTimer(60, clock=lambda: next(now))
    assert [timer.expired() for _ in range(4)] == [False, True, False, True]
    timer.restart()
    assert not timer.expired()


def test_epochs_are_fractions_between_their_ends():
    plan = TrainingPlan(Recipe(epochs=3, batch_size=16), 70)
    assert [plan.at(step)["epoch"] for step in (1, 4, 6, 12)] == [0.25, 1, 1.5, 3]


def test_a_window_has_the_steps_since_the_last_one_and_the_epoch_all_of_its_steps():
    metrics = StepMetrics(logging=True)
    for value, finite in ((1.0, True), (5.0, False), (3.0, True)):
        metrics.add({"loss": np.float32(value), "finite": np.bool_(finite)})
    assert metrics.end_window() == {"loss": 2.0, "skipped": 1}
    again = StepMetrics(*metrics.totals(), logging=True)
    again.add({"loss": np.float32(8.0), "finite": np.bool_(True)})
    assert again.end_window() == {"loss": 8.0, "skipped": 0}
    assert again.epoch_means() == {"loss": 4.0, "skipped": 1}


OFTEN = {"log_every": 3, "eval_every": 5, "keep": 9}
LOGGED, EVALUATED = [3, 6, 9, 12], [4, 5, 8, 10, 12]


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """The folder of a run that logs and evaluates between the ends of its epochs, and what it printed."""
    path, printed = tmp_path_factory.mktemp("often") / "whole", Printed()
    assert run(path, printed=printed, **OFTEN).step == 12
    return path, printed


def test_rows_and_lines_of_logged_steps_and_of_evaluations(whole):
    path, printed = whole
    rows = measured_rows(path)
    assert [row["step"] for row in rows if not is_evaluation(row)] == LOGGED
    assert [row["step"] for row in read_evaluations(RunFolder(path))] == EVALUATED
    assert [row["epoch"] for row in rows if is_evaluation(row)] == [1, 1.25, 2, 2.5, 3]
    assert all({"loss", "accuracy", "learning_rate"} <= row.keys() for row in rows)
    assert saved_steps(RunFolder(path)) == EVALUATED
    for text in ("step  3/12  loss ", "step  5/12  loss ", "epoch   1/3  loss "):
        assert sum(line.startswith(text) for line in printed.lines) == 1
    assert (path / "curves.png").exists()


def test_logging_and_evaluating_do_not_change_the_network(whole, tmp_path):
    run(tmp_path / "plain")
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "plain"), final_state(whole[0]))
    ends = [row for row in measured_rows(whole[0]) if is_evaluation(row) and row["step"] % 4 == 0]
    assert ends == measured_rows(tmp_path / "plain")


@pytest.mark.parametrize("step", [1, 6])
def test_a_run_resumed_within_a_window_has_the_same_rows(whole, tmp_path, monkeypatch, step):
    with monkeypatch.context() as patch:

        def interrupting(self, number, inputs=feed.Streamed.inputs):
            if number == step:
                signal.raise_signal(signal.SIGTERM)
            return inputs(self, number)

        patch.setattr(feed.Streamed, "inputs", interrupting)
        assert run(tmp_path / "run", **OFTEN).step == step + 1
    assert run(tmp_path / "run", resume=True, **OFTEN).step == 12
    assert measured_rows(tmp_path / "run") == measured_rows(whole[0])
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run"), final_state(whole[0]))


def test_an_evaluation_within_an_epoch_that_was_stopped_is_done_when_the_run_resumes(whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:

        def interrupting(self, state, evaluate=Evaluator.evaluate):
            if int(state.step) == 5:
                signal.raise_signal(signal.SIGTERM)
            return evaluate(self, state)

        patch.setattr(Evaluator, "evaluate", interrupting)
        assert run(tmp_path / "run", **OFTEN).exit_code == 128 + signal.SIGTERM
    assert [row["step"] for row in measured_rows(tmp_path / "run")] == [3, 4]
    assert run(tmp_path / "run", resume=True, **OFTEN).step == 12
    assert measured_rows(tmp_path / "run") == measured_rows(whole[0])


def test_the_options_may_change_when_a_run_resumes(tiny, tmp_path):
    run(tmp_path / "run", config=with_recipe(epochs=1))
    assert run(tmp_path / "run", resume=True, **OFTEN).step == 4
    assert RunFolder(tmp_path / "run").read_config().recipe == with_recipe(epochs=1).recipe != CONFIG.recipe
