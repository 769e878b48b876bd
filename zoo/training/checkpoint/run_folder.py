"""The run folder: the paths of its files, and its configuration."""

import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.training.checkpoint.folder_lock import lock_folder
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_config import RunConfig


@dataclass(frozen=True)
class RunFolder:
    """`checkpoints/<model>-<dataset>/`: config.json, metrics.jsonl, curves.png and steps/."""

    path: Path

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

    def read_config(self) -> RunConfig:
        """The run's configuration. Raises ZooError if there is none, or it cannot be read."""
        try:
            stored = json.loads(self.config_file.read_text())
            # Earlier versions stored it in the recipe.
            stored["recipe"].pop("keep", None)
            parsed = {
                "recipe": Recipe(**stored["recipe"]),
                "preprocessing": Preprocessing.from_json(stored["preprocessing"]),
                "class_names": tuple(stored["class_names"]),
            }
            return RunConfig(**{**stored, **parsed})
        except FileNotFoundError:
            raise ZooError(f"no run to resume in {self.path}: it has no {self.config_file.name}") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ZooError(f"{self.config_file} cannot be read as a run's configuration: {error}") from None

    def start(self, config: RunConfig) -> Path | None:
        """Make the folder of a new run. An earlier run in it is renamed, and its new path returned.

        Raises ZooError if the earlier run is still training, or the folder cannot be written.
        """
        renamed = None
        try:
            if self.exists():
                paths = (self.path.with_name(f"{self.path.name}.{i}") for i in itertools.count(1))
                with lock_folder(self.path):
                    renamed = self.path.rename(next(path for path in paths if not path.exists()))
            self.path.mkdir(parents=True, exist_ok=True)
            with replacing(self.config_file) as unfinished:
                unfinished.write_text(json.dumps(asdict(config), indent=2) + "\n")
            self.metrics_file.write_text("")
        except OSError as error:
            raise ZooError(f"cannot write the run folder {self.path}: {error.strerror}") from None
        return renamed


def saved_steps(folder: RunFolder) -> list[int]:
    """The steps of the checkpoints, ascending."""
    return sorted(int(path.name) for path in folder.steps.glob("*") if path.name.isdigit())
