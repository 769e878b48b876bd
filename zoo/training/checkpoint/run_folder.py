"""The run folder: what a run is, its metrics, and the place of its checkpoints."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.training.checkpoint.folder_lock import alone_in
from zoo.training.config.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run is: enough to build its network, to go on with it and to predict with it.

    `fields` are those of the network beside the number of classes, as a pretrained one's `epsilon`. `pretrained` says
    which weights it began with ("" for the network's usual ones), and None that it began with random ones.
    """

    model: str
    dataset: str
    recipe: Recipe
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    pretrained: str | None = None
    training_images: int | None = None

    def network_fields(self) -> dict[str, Any]:
        """All that makes the network's variables what they are: as many outputs as the data has classes."""
        aux_heads = {"aux_heads": True} if self.recipe.aux_heads else {}
        return {**self.fields, **aux_heads, "num_classes": len(self.class_names)}


@dataclass(frozen=True)
class RunFolder:
    """`checkpoints/<model>-<dataset>/`: config.json, metrics.jsonl (a line an evaluation), curves.png and steps/."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The run's configuration."""
        return self.path / "config.json"

    @property
    def metrics_file(self) -> Path:
        """A JSON object a line, an evaluation each."""
        return self.path / "metrics.jsonl"

    @property
    def curves_file(self) -> Path:
        """The picture of the metrics."""
        return self.path / "curves.png"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's events, where they were asked for."""
        return self.path / "tensorboard"

    @property
    def profile(self) -> Path:
        """The profiler's trace, where it was asked for."""
        return self.path / "profile"

    @property
    def steps(self) -> Path:
        """Orbax's folder, a sub-folder a checkpoint."""
        return self.path / "steps"

    def exists(self) -> bool:
        """Whether a run was started here."""
        return self.config_file.exists() or self.steps.exists()

    def read_config(self) -> RunConfig:
        """The run's configuration. Raises ZooError where there is none, or it cannot be read."""
        try:
            stored = json.loads(self.config_file.read_text())
            # Earlier runs had it in the recipe.
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
        """Make the folder for a new run; a run that is there already moves aside, and its new place is returned.

        Raises ZooError where that run still goes on, or nothing can be written.
        """
        aside = None
        try:
            if self.exists():
                places = (self.path.with_name(f"{self.path.name}.{i}") for i in range(1, 10_000))
                with alone_in(self.path):
                    aside = self.path.rename(next(place for place in places if not place.exists()))
            self.path.mkdir(parents=True, exist_ok=True)
            with replacing(self.config_file) as unfinished:
                unfinished.write_text(json.dumps(asdict(config), indent=2) + "\n")
            self.metrics_file.write_text("")
        except OSError as error:
            raise ZooError(f"cannot write the run folder {self.path}: {error.strerror}") from None
        return aside


def saved_steps(folder: RunFolder) -> list[int]:
    """The steps of which there are checkpoints, in order."""
    return sorted(int(place.name) for place in folder.steps.glob("*") if place.name.isdigit())
