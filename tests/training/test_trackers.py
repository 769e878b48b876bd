"""Rows at experiment trackers: stand-ins of their libraries record what they are told, and fail on demand."""

import dataclasses
import io
import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

import zoo
from zoo.training import RunFolder, RunOptions
from zoo.training.config.config_field import choices_of
from zoo.training.logging import trackers
from zoo.training.logging.recorder import Recorder
from zoo.training.logging.trackers import Tracker, values_of

EVALUATION = {"step": 4, "epoch": 1, "loss": 0.5, "accuracy": 0.75, "test_loss": None, "test_accuracy": 0.5}
EVALUATION |= {"seconds": 9.0}
LOGGED = {"step": 5, "epoch": 1.25, "loss": 0.25}
SENT = [(4, {"epoch": 1, "train/loss": 0.5, "train/accuracy": 0.75, "test/accuracy": 0.5})]
SENT += [(5, {"steps/epoch": 1.25, "steps/loss": 0.25})]


class Library:
    """What the three libraries were told: sessions that were opened, values by step, and ends."""

    def __init__(self):
        self.opened, self.logged, self.closed, self.settings, self.failing = [], [], 0, {}, False

    def open(self, id, settings):
        self.opened.append(id)
        self.settings = settings
        return id or f"made-{len(self.opened)}"

    def log(self, values, step):
        if self.failing:
            raise RuntimeError("no route\nto host")
        self.logged.append((step, dict(values)))

    def close(self):
        self.closed += 1


def stand_in(name, library):
    """A module with the functions of a tracker's library that are used here."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    if name == "mlflow":
        module.MlflowClient = lambda: client_of(library)
        return module

    def init(*, project, name, config, resume, id=None, dir=None):
        assert (project, resume) == ("zoo", "allow")
        given = id if module.__name__ == "wandb" else name
        made = library.open(given, config)
        return SimpleNamespace(id=made, log=library.log, finish=library.close)

    module.init = init
    return module


def client_of(library):
    def log_metric(run, name, value, step):
        if library.logged and library.logged[-1][0] == step:
            library.logged[-1][1][name] = value
        else:
            library.log({name: value}, step)

    return SimpleNamespace(
        get_experiment_by_name=lambda name: None,
        create_experiment=lambda name: name,
        create_run=lambda experiment, run_name: SimpleNamespace(
            info=SimpleNamespace(run_id=library.open("", library.settings))
        ),
        update_run=lambda run, status: library.open(run, library.settings),
        log_param=lambda run, name, value: library.settings.update({name: value}),
        log_metric=log_metric,
        set_terminated=lambda run: library.close(),
    )


@pytest.fixture(params=["wandb", "mlflow", "trackio"])
def tracker(request, monkeypatch):
    library = Library()
    monkeypatch.setitem(sys.modules, request.param, stand_in(request.param, library))
    return request.param, library


def recorder(folder, name, console=None):
    writer = Tracker(name, folder, title="lenet5 on digits", settings={"epochs": 3, "long": "x" * 9000})
    return Recorder(RunFolder(folder), console or Console(quiet=True), writers=[writer])


def test_rows_are_sent_and_the_run_is_resumed(tracker, tmp_path):
    name, library = tracker
    with recorder(tmp_path, name) as record:
        record.add(EVALUATION)
    assert library.logged == SENT[:1] and library.closed == 1
    assert library.settings["epochs"] == "3" and len(library.settings["long"]) == 500
    stored = json.loads((tmp_path / "tracker.json").read_text())
    with recorder(tmp_path, name) as record:
        record.add(LOGGED)
    assert library.logged == SENT and library.opened[1] == stored["id"]


def test_a_failure_is_one_warning_and_nothing_is_lost(tracker, tmp_path):
    name, library = tracker
    console = Console(record=True, width=200, file=io.StringIO())
    library.failing = True
    with recorder(tmp_path, name, console) as record:
        record.add(EVALUATION)
        record.add(LOGGED)
        library.failing = False
        record.add({**LOGGED, "step": 6})
    assert [step for step, _ in library.logged] == [4, 5, 6]
    text = console.export_text()
    assert text.count(f"{name} cannot record the run: no route") == 1 and "Traceback" not in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tracker": "other", "id": "x"}', '{"tracker": 3, "id": "x"}'])
def test_a_note_of_another_tracker_or_a_damaged_one_is_a_new_run(tracker, tmp_path, content):
    name, library = tracker
    (tmp_path / "tracker.json").write_text(content)
    with recorder(tmp_path, name) as record:
        record.add(EVALUATION)
    assert "x" not in library.opened and json.loads((tmp_path / "tracker.json").read_text())["tracker"] == name


def test_values_that_are_no_numbers_are_left_out():
    assert values_of(EVALUATION) == SENT[0][1]


def test_a_library_that_is_missing_or_unknown(monkeypatch):
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(zoo.ZooError, match=r"--log mlflow needs mlflow: pip install mlflow"):
        RunOptions(log="mlflow")
    with pytest.raises(zoo.ZooError, match="log is 'neptune': it must be one of"):
        RunOptions(log="neptune")


def test_every_choice_has_a_library():
    (field,) = (field for field in dataclasses.fields(RunOptions) if field.name == "log")
    assert choices_of(field) == ("", *trackers.OPEN)
