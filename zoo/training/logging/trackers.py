"""A run's measurements at an experiment tracker: Weights & Biases, MLflow or Trackio, each by its own library.

A tracker's run is resumed with zoo's: its name there is in the run folder, as `tracker.json`. Rows that a resumed run
repeats are sent again; MLflow keeps both, the others ignore or replace the earlier ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zoo.errors import ZooError
from zoo.printable import one_line
from zoo.runtime.atomic_files import replacing
from zoo.runtime.record_types import Name
from zoo.runtime.records import InvalidRecord, as_record, parse_json
from zoo.runtime.regular_file import read_regular
from zoo.training.logging.rows import MetricsRow, is_evaluation, step_of
from zoo.training.logging.tensorboard import NOT_SCALARS, tag

if TYPE_CHECKING:
    from mlflow import MlflowClient

# The project or experiment of all runs.
PROJECT = "zoo"
# A parameter of MLflow has at most 6,000 characters.
LONGEST_SETTING = 500


class Session(Protocol):
    """A run at a tracker. Its library's errors may be of any class."""

    id: str

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Send the values of a step."""

    def close(self) -> None:
        """Send what is left, and end the session."""


def check_tracker(name: str) -> None:
    """Raises ZooError if the library of a tracker is missing, before the run starts."""
    if name and find_spec(name) is None:
        raise ZooError(f"--log {name} needs {name}: pip install {name}, or omit it")


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """What `tracker.json` in a run folder has: the tracker, and the id of the run there."""

    tracker: Name
    id: Name


class Tracker:
    """Sends rows to a tracker. What could not be sent is kept, and sent with the next row.

    `title` is the name of the run there, `settings` are shown beside its curves. The session is opened at the first
    `write`, and its id is kept in `folder` for a resumed run.
    """

    def __init__(self, name: str, folder: Path, *, title: str, settings: Mapping[str, Any]) -> None:
        self._name, self._file, self._title = name, folder / "tracker.json", title
        self._settings = {key: str(value)[:LONGEST_SETTING] for key, value in settings.items()}
        self._session: Session | None = None
        self._pending: list[MetricsRow] = []

    def add(self, row: MetricsRow) -> None:
        """Add a row for the next `write`."""
        self._pending.append(row)

    def write(self) -> None:
        """Send what is not sent yet. Raises ZooError if that fails."""
        try:
            if self._session is None:
                self._session = OPEN[self._name](self._title, self._known_id(), self._settings, self._file.parent)
                self._remember(self._session.id)
            while self._pending:
                self._session.log(values_of(self._pending[0]), step_of(self._pending[0]))
                del self._pending[0]
        except ZooError:
            raise
        except Exception as error:  # of any class: the libraries have their own
            raise ZooError(f"{self._name} cannot record the run: {one_line(error, 200)}") from None

    def close(self) -> None:
        """End the session. Raises ZooError if that fails."""
        session, self._session = self._session, None
        try:
            if session:
                session.close()
        except Exception as error:
            raise ZooError(f"{self._name} cannot end the run: {one_line(error, 200)}") from None

    def _known_id(self) -> str:
        """The id of the run that is resumed; empty for a new one, or one of another tracker."""
        try:
            found = as_record(parse_json(read_regular(self._file), str(self._file)), TrackedRun, str(self._file))
        except (OSError, InvalidRecord):
            return ""
        return found.id if found.tracker == self._name else ""

    def _remember(self, run: str) -> None:
        with replacing(self._file) as unfinished:
            unfinished.write_text(json.dumps(asdict(TrackedRun(tracker=self._name, id=run))) + "\n")


def values_of(row: MetricsRow) -> dict[str, float]:
    """The measurements of a row under the tags of TensorBoard, such as "train/loss" and "test/accuracy"."""
    evaluation = is_evaluation(row)
    known = {name: value for name, value in row.items() if value is not None and name not in NOT_SCALARS}
    return {tag(name, evaluation=evaluation): value for name, value in known.items()}


class _Wandb:
    """WANDB_MODE=offline, WANDB_ENTITY and the library's other variables work as in any program."""

    def __init__(self, title: str, run: str, settings: Mapping[str, str], folder: Path) -> None:
        import wandb

        self._run = wandb.init(
            project=PROJECT, name=title, id=run or None, resume="allow", config=dict(settings), dir=str(folder)
        )
        self.id = self._run.id

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class _Mlflow:
    """The server or folder is MLFLOW_TRACKING_URI's."""

    def __init__(self, title: str, run: str, settings: Mapping[str, str], folder: Path) -> None:
        from mlflow import MlflowClient

        self._client: MlflowClient = MlflowClient()
        if run:
            self._client.update_run(run, status="RUNNING")
        else:
            found = self._client.get_experiment_by_name(PROJECT)
            experiment = found.experiment_id if found else self._client.create_experiment(PROJECT)
            run = self._client.create_run(experiment, run_name=title).info.run_id
            for name, value in settings.items():
                self._client.log_param(run, name, value)
        self.id = run

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self.id, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self.id)


class _Trackio:
    """The folder is TRACKIO_DIR's; TRACKIO_SPACE_ID is a Space of the hub."""

    def __init__(self, title: str, run: str, settings: Mapping[str, str], folder: Path) -> None:
        import trackio

        # Its runs have no other id than their names.
        self.id = run or f"{title} {folder.name}"
        self._run = trackio.init(project=PROJECT, name=self.id, resume="allow", config=dict(settings))

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


OPEN: Mapping[str, Callable[[str, str, Mapping[str, str], Path], Session]] = {
    "wandb": _Wandb,
    "mlflow": _Mlflow,
    "trackio": _Trackio,
}
