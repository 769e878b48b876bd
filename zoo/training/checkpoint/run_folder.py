"""The run folder: the paths of its files, and its configuration."""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.errors import ZooError, did_you_mean
from zoo.registry import stored_model
from zoo.runtime.atomic_files import replacing
from zoo.runtime.records import as_record, parse_json, with_advice
from zoo.runtime.regular_file import read_regular
from zoo.runtime.similar_paths import similar_paths
from zoo.runtime.system_errors import reason
from zoo.training.checkpoint.folder_lock import lock_file, lock_folder
from zoo.training.config.run_config import RunConfig
from zoo.weights.network_fields import network_fields

# What a run did before its recipe had a field for it, where that is not the field's default.
BEFORE_ITS_FIELD: Mapping[str, Any] = MappingProxyType({"batch_norm_warmup": False, "dtype": "float32"})

# The usual folder of runs.
RUNS = Path("checkpoints")


@dataclass(frozen=True)
class RunFolder:
    """`checkpoints/<model>-<dataset>/`: config.json, metrics.jsonl, curves.png and steps/."""

    path: Path

    def __post_init__(self) -> None:
        # A path through a folder that is renamed leads nowhere afterwards.
        if ".." in self.path.parts:
            object.__setattr__(self, "path", self.path.resolve())

    @property
    def config_file(self) -> Path:
        """The run's configuration."""
        return self.path / "config.json"

    @property
    def metrics_file(self) -> Path:
        """One JSON object per line: an evaluation, or a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def curves_file(self) -> Path:
        """The plot of the metrics."""
        return self.path / "curves.png"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard events, with --tensorboard."""
        return self.path / "tensorboard"

    @property
    def profile(self) -> Path:
        """The folder of the profiler's trace, with --profile."""
        return self.path / "profile"

    @property
    def steps(self) -> Path:
        """Orbax's folder, with one folder per checkpoint."""
        return self.path / "steps"

    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.config_file.exists() or self.steps.exists()

    def no_run(self, what: str = "no training run") -> ZooError:
        """The error for a folder that holds no run, with what was probably meant."""
        meant = did_you_mean(self._runs_nearby()) or similar_paths(self.path)
        return ZooError(f"{what} in {self.path}: it has no {self.config_file.name}{meant}")

    def _runs_nearby(self) -> list[str]:
        """Runs in this folder, or the run of that name in the usual folder."""
        candidates = [*sorted(self.path.glob(f"*/{self.config_file.name}")), RUNS / self.path / self.config_file.name]
        return [str(file.parent) for file in candidates if file.is_file()][:3]

    def read_config(self, model: str | None = None) -> RunConfig:
        """The run's configuration. Raises ZooError if there is none, or it cannot be read.

        `model` is the network that the user has named: it stands for one of the user's own.
        """
        where = str(self.config_file)
        try:
            text = read_regular(self.config_file)
        except FileNotFoundError:
            raise self.no_run("no run to resume") from None
        except OSError as error:
            raise ZooError(f"cannot read {where}: {reason(error)}") from None
        with with_advice("correct this file, or restore it from a copy"):
            config = as_record(_upgraded(parse_json(text, where)), RunConfig, where)
            name = stored_model(config.model, config.model_source, where, model)
            return replace(config, model=name, fields=network_fields(name, config.fields, where))

    def start(self, config: RunConfig) -> Path | None:
        """Make the folder of a new run, as `starting`, for a process that does not need its lock."""
        with self.starting(config) as renamed:
            return renamed

    def write_config(self, config: RunConfig) -> None:
        """Write the run's configuration, atomically. Raises ZooError where that is not possible."""
        with replacing(self.config_file) as unfinished:
            unfinished.write_text(json.dumps(asdict(config), indent=2) + "\n")

    @contextmanager
    def starting(self, config: RunConfig) -> Iterator[Path | None]:
        """Make the folder of a new run, and hold its lock. An earlier run in it is renamed to the yielded path.

        Raises ZooError if another process trains or starts in the folder, or it or its checkpoints cannot be written.
        """
        self._check_name()
        with ExitStack() as lock:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                lock.enter_context(lock_folder(self.path))
                renamed = self._rename(lock) if self.exists() else None
                self.write_config(config)
                self.metrics_file.write_text("")
            except OSError as error:
                raise ZooError(f"cannot write the run folder {self.path}: {reason(error)}") from None
            yield renamed

    def _check_name(self) -> None:
        """TensorStore, which writes the checkpoints, takes names in UTF-8 only."""
        try:
            str(self.path.absolute()).encode()
        except UnicodeEncodeError:
            raise ZooError(
                f"the name of the run folder {self.path} is not UTF-8, and checkpoints cannot be saved there: choose "
                "another with --run-dir"
            ) from None

    def _rename(self, lock: ExitStack) -> Path:
        """Rename the locked folder, and make and lock a new one; the lock of the old one stays with it."""
        check_renameable(self.path)
        paths = (self.path.with_name(f"{self.path.name}.{i}") for i in itertools.count(1))
        renamed = self.path.rename(next(path for path in paths if not path.exists()))
        lock_file(renamed).unlink()
        self.path.mkdir(exist_ok=True)
        # Another process may have made and locked it in between.
        lock.enter_context(lock_folder(self.path))
        return renamed


def _upgraded(stored: Any) -> Any:
    """A configuration of an earlier version, as this version stores it."""
    match stored:
        case {"recipe": {**recipe}}:
            recipe.pop("keep", None)  # now one of the run's options
            return {**_with_data(stored), "recipe": {**BEFORE_ITS_FIELD, **recipe}}
    return stored


def _with_data(stored: dict[str, Any]) -> dict[str, Any]:
    """Of its data, earlier versions stored the name and the number of training images alone."""
    if "training_images" not in stored:
        return stored
    images = stored["training_images"]
    rest = {name: value for name, value in stored.items() if name != "training_images"}
    return {"data": {"training": None if images is None else {"images": images}}, **rest}


def saved_steps(folder: RunFolder) -> list[int]:
    """The steps of the checkpoints, ascending. Raises OSError where the folder cannot be read."""
    try:
        names = [path.name for path in folder.steps.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def check_renameable(folder: Path) -> None:
    """Raises ZooError for the current folder, and one around it: whoever is in it would stay with the earlier run."""
    if Path.cwd().is_relative_to(folder.resolve()):
        raise ZooError(
            f"{folder} holds a run, and cannot be renamed while it is the current folder or around it: resume the run "
            "with --resume, or choose another --run-dir"
        )
