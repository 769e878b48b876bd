"""Whole runs on a small data set: what they write, how they stop and resume."""

import json
import signal

import jax
import numpy as np
import pytest
from short_runs import CONFIG, DATASET, final_params, run, with_recipe

import zoo
from zoo.data import Dataset
from zoo.data.dataset import ArraySource
from zoo.training import RunFolder
from zoo.training.checkpoint.checkpoint_weights import chosen_step
from zoo.training.checkpoint.checkpoints import Checkpoints
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.evaluation import Evaluator
from zoo.training.feed import Streamed

pytestmark = pytest.mark.usefixtures("tiny")


class InterruptingSource(ArraySource):
    """Sends the process a signal when example `at` is read for the `time`-th time."""

    def __init__(self, source, number, at, time):
        super().__init__(source.images, source.labels)
        for name, value in (("number", number), ("at", at), ("times", time), ("indices", [])):
            object.__setattr__(self, name, value)

    def __getitem__(self, index):
        if index == self.at:
            self.indices.append(index)
            if len(self.indices) == self.times:
                signal.raise_signal(self.number)
        return super().__getitem__(index)


def signalling(at, inputs=Streamed.inputs):
    """Streamed.inputs that sends SIGTERM at a step, counted from 0."""

    def interrupting(self, step):
        if step == at:
            signal.raise_signal(signal.SIGTERM)
        return inputs(self, step)

    return interrupting


@pytest.fixture(scope="module")
def uninterrupted(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "whole"
    return path, run(path)


def test_a_run_writes_its_configuration_metrics_and_checkpoints(uninterrupted):
    path, outcome = uninterrupted
    assert outcome.step == 12 and outcome.exit_code == 0
    assert RunFolder(path).read_config() == CONFIG
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert [line["step"] for line in lines] == [4, 8, 12]
    assert lines[-1]["test_accuracy"] == outcome.test_accuracy
    assert (path / "steps" / "12").is_dir()


def test_the_whole_test_set_is_counted(uninterrupted):
    images = uninterrupted[1].test_accuracy * 37
    np.testing.assert_allclose(images, round(images), atol=1e-4)


SLOW = pytest.mark.slow


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=SLOW)])
@pytest.mark.parametrize("time", [pytest.param(1, marks=SLOW), 2, pytest.param(3, marks=SLOW)])
def test_a_stopped_and_resumed_run_is_the_uninterrupted_one(uninterrupted, tmp_path, number, time):
    source = InterruptingSource(DATASET.train, number, at=5, time=time)
    stopped = run(tmp_path / "run", Dataset("squares", source, DATASET.test, DATASET.class_names, (16, 16, 1)))
    assert stopped.exit_code == 128 + number and 0 < stopped.step < 12
    outcome = run(tmp_path / "run", resume=True)
    assert outcome.step == 12
    assert outcome.test_accuracy == uninterrupted[1].test_accuracy
    jax.tree.map(np.testing.assert_array_equal, final_params(tmp_path / "run"), final_params(uninterrupted[0]))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]


@pytest.mark.parametrize("time", [2, pytest.param(3, marks=SLOW)])
def test_a_run_that_is_stopped_in_an_evaluation_repeats_it_when_resumed(uninterrupted, tmp_path, time):
    source = InterruptingSource(DATASET.test, signal.SIGTERM, at=5, time=time)
    stopped = run(tmp_path / "run", Dataset("squares", DATASET.train, source, DATASET.class_names, (16, 16, 1)))
    assert (stopped.step, stopped.exit_code) == (4 * time, 143)
    assert rows(tmp_path / "run") == rows(uninterrupted[0])[: time - 1]
    assert run(tmp_path / "run", resume=True).test_accuracy == uninterrupted[1].test_accuracy
    assert rows(tmp_path / "run") == rows(uninterrupted[0])
    jax.tree.map(np.testing.assert_array_equal, final_params(tmp_path / "run"), final_params(uninterrupted[0]))


@pytest.mark.parametrize(("killed", "best"), [(True, 4), pytest.param(False, 8, marks=SLOW)])
def test_an_evaluation_that_was_made_up_for_can_be_the_best(uninterrupted, tmp_path, monkeypatch, killed, best):
    """The evaluation of step 4 or 8 is stopped, or also killed when it is made up for, once its row is written."""

    def measured(self, state, step_to_stop=None):
        if int(state.step) == step_to_stop:
            signal.raise_signal(signal.SIGTERM)
            return None
        return {"test_loss": 1.0, "test_accuracy": 0.9 if int(state.step) == best else 0.5}

    def kill(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", lambda self, state: measured(self, state, best))
        assert run(tmp_path / "run", keep=1).exit_code == 143
    monkeypatch.setattr(Evaluator, "evaluate", measured)
    if killed:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Checkpoints, "save", kill)
            run(tmp_path / "run", resume=True, keep=1)
        assert [row[3] for row in rows(tmp_path / "run")] == [0.9]
    # Stopped again before the next checkpoint, a step later.
    with monkeypatch.context() as patch:
        patch.setattr(Streamed, "inputs", signalling(best + 1))
        assert run(tmp_path / "run", resume=True, keep=1).step == best + 2
    assert run(tmp_path / "run", resume=True, keep=1).step == 12
    assert [row[0] for row in rows(tmp_path / "run")] == [1, 2, 3]
    assert [row[3] for row in rows(tmp_path / "run")] == [0.9 if epoch == best // 4 else 0.5 for epoch in (1, 2, 3)]
    assert [row[1] for row in rows(tmp_path / "run")] == [row[1] for row in rows(uninterrupted[0])]
    assert chosen_step(RunFolder(tmp_path / "run"), None) == best
    assert saved_steps(RunFolder(tmp_path / "run")) == [best, 12]


def rows(path):
    """The metrics of each epoch that do not depend on the time."""
    lines = [json.loads(line) for line in RunFolder(path).metrics_file.read_text().splitlines()]
    return [[line[name] for name in ("epoch", "loss", "test_loss", "test_accuracy")] for line in lines]


def test_keep_may_change_when_a_run_is_resumed(tmp_path):
    run(tmp_path / "run", config=with_recipe(epochs=1), keep=3)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["recipe"]["keep"] = 5  # as earlier runs have it
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    assert run(tmp_path / "run", resume=True, keep=1).step == 4


def test_resuming_a_finished_run_evaluates_it(uninterrupted):
    assert run(uninterrupted[0], resume=True).test_accuracy == uninterrupted[1].test_accuracy


def test_an_earlier_run_moves_aside(tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert folder.start(CONFIG) is None
    assert folder.start(CONFIG) == tmp_path / "run.1"
    assert folder.start(CONFIG) == tmp_path / "run.2"
    assert RunFolder(tmp_path / "run.1").read_config() == CONFIG


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recipe": {"epochs": 0}}', '{"recipe": 1}', '{"recipe": {}}'])
def test_a_damaged_configuration_is_one_clear_line(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(
        zoo.ZooError,
        match=r"config\.json( is not JSON|: recipe.*epochs is 0|: \w+ is missing| is a list|: recipe is 1)",
    ) as error:
        RunFolder(tmp_path).read_config()
    assert "\n" not in str(error.value)


def test_a_run_that_was_stopped_before_its_first_checkpoint_begins_again(uninterrupted, tmp_path):
    RunFolder(tmp_path / "run").start(CONFIG)
    assert run(tmp_path / "run", resume=True).test_accuracy == uninterrupted[1].test_accuracy
    jax.tree.map(np.testing.assert_array_equal, final_params(tmp_path / "run"), final_params(uninterrupted[0]))
