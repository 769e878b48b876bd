"""timm's config.json, which is beside weights that come from timm or the hub."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

from msgspec import Meta

from zoo.data import Preprocessing
from zoo.data.preprocessing import Deviation, Mean
from zoo.errors import ZooError, ZooWarning
from zoo.runtime.record_types import Channels, ClassNames, Fit, Interpolation, Name, Pixels
from zoo.runtime.records import as_record, parse_json, with_advice
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason

# timm's names for ways to fit an image, and ours.
CROP_MODES: dict[str, Fit] = {"center": "resize", "squash": "squash"}
Labels = ClassNames | dict[str, str] | None


@dataclass(frozen=True, kw_only=True)
class PretrainedConfig:
    """`pretrained_cfg`: the tag of the weights, and for which images they are. None is what is not stated."""

    tag: Name | None = None
    input_size: tuple[Channels, Pixels, Pixels] | None = None
    mean: tuple[Mean, ...] | None = None
    std: tuple[Deviation, ...] | None = None
    crop_pct: Annotated[float, Meta(gt=0, le=16)] | None = None
    crop_mode: Name = "center"
    interpolation: Name | None = None
    label_names: Labels = None


@dataclass(frozen=True, kw_only=True)
class TimmConfig:
    """The part of timm's config.json that is of use here."""

    architecture: Name
    pretrained_cfg: PretrainedConfig
    label_names: Labels = None

    def class_names(self) -> tuple[str, ...]:
        """The names of the outputs, in order; empty where they are not stated, or for other keys than the order."""
        labels = self.label_names or self.pretrained_cfg.label_names
        return labels if isinstance(labels, tuple) else ()

    def preprocessing(self) -> Preprocessing | None:
        """The stated preprocessing; None where a part is missing, and with a warning where zoo does not have it."""
        stated = self.pretrained_cfg
        if not (stated.input_size and stated.mean and stated.std and stated.crop_pct and stated.interpolation):
            return None
        channels, height, width = stated.input_size
        others = {
            "input_size": channels != 3 and f"{channels} channels",
            "mean": len(stated.mean) != channels and f"{len(stated.mean)} values",
            "std": len(stated.std) != channels and f"{len(stated.std)} values",
            "crop_pct": stated.crop_pct > 1 and f"{stated.crop_pct}",
            "crop_mode": stated.crop_mode not in CROP_MODES and stated.crop_mode,
            "interpolation": stated.interpolation not in get_args(Interpolation) and stated.interpolation,
        }
        if unknown := [f"{name} {text}" for name, text in others.items() if text]:
            text = f"config.json states a preprocessing that zoo does not have ({', '.join(unknown)}): it is left out"
            warnings.warn(text, ZooWarning, stacklevel=2)
            return None
        return Preprocessing(
            image_shape=(height, width, channels),
            mean=stated.mean,
            std=stated.std,
            fit=CROP_MODES[stated.crop_mode],
            crop=stated.crop_pct,
            interpolation=stated.interpolation,  # type: ignore[arg-type]
        )


def read_timm_config(path: Path) -> TimmConfig | None:
    """The record of a config.json; None where there is no such file, or one of another program.

    Raises ZooError where it cannot be read, and InvalidRecord where it is no JSON or a value is wrong.
    """
    try:
        text = read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ZooError(f"cannot read {path}, which is beside the weights: {reason(error)}") from None
    with with_advice("correct this file, or move the weights away from it"):
        config = parse_json(text, str(path))
        if not isinstance(config, dict) or not {"architecture", "pretrained_cfg"} <= config.keys():
            return None
        return as_record(config, TimmConfig, str(path), allow_unknown=True)
