"""`zoo.train`: training from Python, on arrays, folders and names, with and without a run folder."""

import asyncio
import dataclasses
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from short_runs import DATASET, final_params, measured_rows

import zoo
from zoo.data import open_arrays
from zoo.inference.evaluation import evaluate
from zoo.training import Recipe, RunOptions
from zoo.training.checkpoint.checkpoints import Checkpoints
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.feed import Resident
from zoo.training.logging.history import History

pytestmark = pytest.mark.usefixtures("tiny")

TRAIN, TEST = ((source.images, source.labels) for source in (DATASET.train, DATASET.test))
# Four steps per epoch.
RECIPE = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-2, "warmup_epochs": 0.5, "image_size": 16}
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def trained(tiny):
    return zoo.train("tiny", TRAIN, RECIPE, test=TEST, quiet=True)


@pytest.fixture
def stopping(monkeypatch):
    """Sends signals after the first save."""

    def stop(*numbers, cls=RunMemory, patch=monkeypatch):
        save, left = cls.save, list(numbers)

        def saving(self, *arguments, **named):
            save(self, *arguments, **named)
            while left:
                signal.raise_signal(left.pop())

        patch.setattr(cls, "save", saving)

    return stop


def test_the_result_is_the_network_of_the_best_evaluation(trained):
    assert trained.finished and trained.run_dir is None
    assert [row["step"] for row in trained.evaluations] == [4, 8]
    best = max(trained.history, key=lambda row: (row["test_accuracy"], row["step"]))
    assert trained.best == best
    # Evaluated again by another path.
    evaluated = evaluate(trained.weights, open_arrays(TRAIN, TEST))
    assert evaluated.top1_accuracy == pytest.approx(best["test_accuracy"])
    model, variables = trained.weights
    assert model.num_classes == 4 and variables["params"].keys() == trained.variables["params"].keys()


def test_nothing_is_written_without_a_run_folder(tmp_path, trained):
    zoo.train("tiny", TRAIN, {**RECIPE, "epochs": 1}, quiet=True)
    assert not list(tmp_path.iterdir())


def test_a_run_folder_is_that_of_the_command_and_the_same_bits(tmp_path, trained):
    written = zoo.train("tiny", TRAIN, RECIPE, test=TEST, run_dir=tmp_path / "run", quiet=True)
    assert written.run_dir == tmp_path / "run" and written.best["step"] == trained.best["step"]
    jax.tree.map(np.testing.assert_array_equal, dict(trained.variables), dict(written.variables))
    timing = {"seconds", "images_per_second", "waiting", "utilisation"}
    rows = [{name: row[name] for name in row.keys() - timing} for row in trained.history]
    assert measured_rows(tmp_path / "run") == rows
    assert len(written.history) == 2 and final_params(tmp_path / "run")
    with pytest.raises(zoo.ZooError, match="data in memory"):
        zoo.train("tiny", run_dir="run", resume=True)


@pytest.mark.slow
def test_a_run_is_resumed(tmp_path, stopping, monkeypatch):
    whole = zoo.train("tiny", TRAIN, RECIPE, run_dir="whole", quiet=True)
    with monkeypatch.context() as patch:
        stopping(signal.SIGINT, cls=Checkpoints, patch=patch)
        stopped = zoo.train("tiny", TRAIN, RECIPE, run_dir="parts", quiet=True)
    assert not stopped.finished and stopped.history[-1]["step"] < 8
    resumed = zoo.train("tiny", TRAIN, run_dir="parts", resume=True, quiet=True)
    assert resumed.finished
    jax.tree.map(np.testing.assert_array_equal, dict(whole.variables), dict(resumed.variables))


def test_the_first_ctrl_c_returns_what_there_is(stopping):
    before = [signal.getsignal(number) for number in HANDLED]
    stopping(signal.SIGINT)
    result = zoo.train("tiny", TRAIN, {**RECIPE, "epochs": 50}, test=TEST, quiet=True)
    # It stopped at a later step than that of its last record.
    assert not result.finished and "stopped; its last record: epoch 1, step 4" in repr(result)
    assert result.best["step"] == 4 and len(result.history) == 1
    assert np.isfinite(result.variables["params"]["classifier"]["kernel"]).all()
    assert [signal.getsignal(number) for number in HANDLED] == before


def test_on_evaluation_gets_each_record_and_can_end_the_run():
    records = []

    def second(record):
        records.append(record)
        return record["epoch"] == 2

    stopped = zoo.train("tiny", TRAIN, {**RECIPE, "epochs": 50}, test=TEST, quiet=True, on_evaluation=second)
    assert not stopped.finished and records == list(stopped.evaluations) and len(records) == 2
    # There is nothing to end after the last one.
    assert zoo.train("tiny", TRAIN, RECIPE, test=TEST, quiet=True, on_evaluation=second).finished


@pytest.mark.parametrize(
    ("given", "message"),
    [(5, "on_evaluation is a int"), (lambda record: record["test_accuracy"], "on_evaluation returned a float")],
    ids=["no function", "no bool"],
)
def test_on_evaluation_must_be_a_function_that_returns_a_bool_or_none(given, message):
    with pytest.raises(zoo.ZooError, match=message):
        zoo.train("tiny", TRAIN, RECIPE, test=TEST, quiet=True, on_evaluation=given)


def test_what_on_evaluation_does_to_a_record_is_not_in_the_history():
    result = zoo.train("tiny", TRAIN, RECIPE, test=TEST, quiet=True, on_evaluation=dict.clear)
    assert all("test_accuracy" in row for row in result.evaluations)


def test_ctrl_c_before_the_first_evaluation_returns_the_last_step(monkeypatch):
    inputs = Resident.inputs
    monkeypatch.setattr(
        Resident, "inputs", lambda self, step: (step == 1 and signal.raise_signal(signal.SIGINT), inputs(self, step))[1]
    )
    result = zoo.train("tiny", TRAIN, RECIPE, quiet=True)
    assert (result.finished, result.best, len(result.history)) == (False, None, 0)
    assert result.weights.predict(TRAIN[0][0], top=1)


def test_a_second_ctrl_c_raises(stopping):
    stopping(signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        zoo.train("tiny", TRAIN, RECIPE, quiet=True)


def test_sigterm_acts_after_the_run(stopping):
    received = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        stopping(signal.SIGTERM)
        result = zoo.train("tiny", TRAIN, {**RECIPE, "epochs": 50}, quiet=True)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == [signal.SIGTERM] and not result.finished


@pytest.mark.parametrize("run_dir", [None, pytest.param("run", marks=pytest.mark.slow)])
def test_in_another_thread_no_handler_is_set(run_dir, monkeypatch):
    def forbidden(*arguments):
        raise AssertionError(f"a handler was set in {threading.current_thread()}")

    monkeypatch.setattr("zoo.training.stop_signals.set_handler", forbidden)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(zoo.train, "tiny", TRAIN, RECIPE, run_dir=run_dir, quiet=True).result()
    assert result.finished


@pytest.mark.slow
def test_inside_a_running_event_loop():
    # As in a notebook, where Orbax cannot run its own loop in this thread.
    async def cell():
        return zoo.train("tiny", TRAIN, RECIPE, run_dir="run", quiet=True), asyncio.get_running_loop().is_running()

    result, running = asyncio.run(cell())
    assert result.finished and running and len(result.history) == 2


def test_a_folder_is_a_data_set(tmp_path):
    for name in ("dark", "bright"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(20):
            level = 200 * (name == "bright") + index
            Image.new("RGB", (16, 16), (level, level, index)).save(tmp_path / "photos" / name / f"{index}.png")
    result = zoo.train("tiny", "photos", {**RECIPE, "batch_size": 8}, run_dir="run", quiet=True)
    assert result.weights.class_names == ("bright", "dark")
    assert result.weights.predict(tmp_path / "photos" / "dark" / "0.png", top=1).classes[0][0].class_name in (
        "bright",
        "dark",
    )
    longer = zoo.train("tiny", recipe={"epochs": 3}, run_dir="run", resume=True, quiet=True)
    assert [row["epoch"] for row in longer.history] == [1, 2, 3] and longer.weights.dataset == "photos"


@pytest.mark.slow
def test_a_name_is_a_built_in_data_set_and_lines_are_printed(capsys):
    result = zoo.train("lenet5", "digits", {"epochs": 1, "batch_size": 256})
    assert result.weights.dataset == "digits" and len(result.weights.class_names) == 10
    printed = capsys.readouterr()
    assert "nothing is written" in printed.out and "test_accuracy" in printed.out and "\x1b" not in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (None, {"batch_size": 64, "learning_rate": 1e-3}),
        ({"learning_rate": 0.5}, {"learning_rate": 0.5}),
        (Recipe(learning_rate=0.5, batch_size=8), {"learning_rate": 0.5, "batch_size": 8}),
        ("speedrun", {"learning_rate": 0.02, "optimizer": "muon"}),
    ],
    ids=["usual", "changes", "whole", "named"],
)
def test_the_recipe(monkeypatch, recipe, expected):
    used = dataclasses.asdict(config_of(monkeypatch, "tiny", recipe).recipe)
    # 57 training images.
    expected = {**expected, "batch_size": min(expected.get("batch_size", 56), 56)}
    assert {name: used[name] for name in expected} == expected


def test_fields_of_a_network_of_zoo(monkeypatch):
    fields = {"depths": [1, 1, 1], "widths": np.array([4, 4, 4])}
    config = config_of(monkeypatch, "resnet20_cifar", {"batch_size": 16}, fields=fields)
    assert config.model == "resnet20_cifar" and config.fields == {"depths": (1, 1, 1), "widths": (4, 4, 4)}


def config_of(monkeypatch, model, recipe, **options):
    """The configuration of a run, which does not begin."""
    seen = []

    class Stop(Exception):
        pass

    def train_prepared(run, console):
        seen.append(run.config)
        raise Stop

    monkeypatch.setattr("zoo.training.train_function.train_prepared", train_prepared)
    with pytest.raises(Stop):
        zoo.train(model, TRAIN, recipe, quiet=True, **options)
    return seen[0]


REFUSED = {
    "an unknown setting": ({"recipe": {"epoch": 3}}, "did you mean epochs"),
    "a setting of another type": ({"recipe": {"epochs": "3"}}, "'3'"),
    "no recipe": ({"recipe": 3}, "int"),
    "an unknown recipe": ({"recipe": "fast"}, "speedrun"),
    "an unknown network": ({"model": "tinny"}, "tiny"),
    "an unknown folder": ({"data": "no/such/folder"}, "no/such/folder"),
    "images without labels": ({"data": TRAIN[0]}, r"\(images, labels\)"),
    "a test split of a name": ({"data": "digits", "test": TEST}, "leave it out"),
    "an unknown option": ({"options": {"log_evry": 1}}, "log_every"),
    "no options": ({"options": 3}, "int"),
    "an empty folder name": ({"run_dir": ""}, "run_dir"),
    "weights of another type": ({"pretrained": 3}, "int"),
    "weights that are not there": ({"pretrained": Path("no.safetensors")}, "no.safetensors"),
    "an unknown field": ({"model": "resnet18", "fields": {"depth": 3}}, "did you mean depths"),
    "a field of the data": ({"fields": {"num_classes": 3}}, "the data.*leave it out"),
    "a field out of range": (
        {"model": "resnet18", "fields": {"dropout": 2}},
        "fields: dropout is 2: expected a number <= 1",
    ),
    "no fields": ({"fields": 3}, "fields is a int"),
    "default weights of a network without": ({"pretrained": True}, "no pretrained weights"),
    "resume without a folder": ({"resume": True}, "run_dir"),
    "files without a folder": ({"options": RunOptions(profile=True)}, "run_dir"),
    "an option that writes files": ({"options": {"tensorboard": True}}, "run_dir"),
}


@pytest.mark.parametrize(("changes", "named"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(tmp_path, changes, named):
    arguments = {"model": "tiny", "data": TRAIN, "quiet": True, **changes}
    with pytest.raises(zoo.ZooError, match=named) as error:
        zoo.train(**arguments)
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_both_splits_as_keras_loads_them_and_options_by_name(trained):
    result = zoo.train("tiny", (TRAIN, TEST), {**RECIPE, "epochs": 1}, options={"log_every": 2}, quiet=True)
    assert [row["step"] for row in result.history] == [2, 4, 4] and len(result.evaluations) == 1


def test_a_loss_that_is_not_finite_is_one_line():
    with pytest.raises(zoo.ZooError, match=r"not finite.*nothing was saved, so start again") as error:
        zoo.train("tiny", TRAIN, {**RECIPE, "optimizer": "sgd", "learning_rate": 1e3, "epochs": 40}, quiet=True)
    assert "\n" not in str(error.value)


def test_results_show_themselves_in_a_few_lines(trained):
    assert len(repr(trained).splitlines()) < 8 and "<table>" in trained._repr_html_()
    many = History(trained.history.rows * 100)
    assert len(repr(many).splitlines()) < 30 and "<table>" in many._repr_html_()
    assert many[0] == trained.history[0] and len(many[:3]) == 3 and repr(History()) == "History()"
