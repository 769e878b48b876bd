"""A recipe: all that decides a training run besides the network and the data."""

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from zoo.errors import ZooError


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides a training run besides the network and the data. Raises ZooError for impossible values."""

    epochs: int = _setting(20, "passes over the training images")
    batch_size: int = _setting(64, "images a step, over all devices")
    optimizer: Literal["adamw", "sgd"] = _setting("adamw", "sgd is with Nesterov momentum")
    learning_rate: float = _setting(1e-3, "its peak: linear warmup, then a cosine to zero")
    warmup_epochs: float = _setting(1.0, "epochs until the learning rate has its peak")
    momentum: float = _setting(0.9, "of sgd")
    weight_decay: float = _setting(1e-4, "on kernels; biases and norms are spared")
    clip_norm: float = _setting(0.0, "largest global norm of the gradient; 0: no clipping")
    label_smoothing: float = _setting(0.0, "share of the target spread over all classes")
    aux_heads: bool = _setting(False, "train the auxiliary classifiers too, where the network has them")
    aux_weight: float = _setting(0.3, "of each auxiliary loss")
    freeze: str = _setting("none", "none, backbone (all but the head), or a regular expression of layers")
    backbone_rate: float = _setting(1.0, "learning rate of all but the head, as a share of the head's")
    crop: float = _setting(0.0, "least share of an image's area of a random crop, resized to its size; 0: no crop")
    shift: int = _setting(0, "pixels by which images move at random, at most, up, down, left and right")
    flip: bool = _setting(False, "mirror every other image")
    trivial_augment: bool = _setting(False, "change each image by one random operation of TrivialAugment")
    erase: float = _setting(0.0, "share of the images that lose a random rectangle")
    mixup: float = _setting(0.0, "alpha of mixup, a blend of two images and their labels (0.2 is usual); 0: none")
    cutmix: float = _setting(0.0, "alpha of CutMix, a box of one image in another (1 is usual); 0: none")
    image_size: int = _setting(0, "pixels a side; 0: the network's, or for small images the next multiple of 32")
    fit: Literal["resize", "pad"] = _setting("resize", "how smaller images get that size")
    feed: Literal["auto", "resident", "streamed"] = _setting(
        "auto", "images kept on the devices, or read as needed; auto: kept where they are small"
    )
    dtype: Literal["float32", "bfloat16"] = _setting("float32", "of the computation; parameters stay float32")
    seed: int = _setting(0, "of the initial parameters, the shuffling, the dropout and the augmentation")
    keep: int = _setting(2, "checkpoints kept, besides the best")

    def __post_init__(self) -> None:
        for setting in dataclasses.fields(self):
            value, allowed = getattr(self, setting.name), getattr(setting.type, "__args__", None)
            if allowed and value not in allowed:
                raise ZooError(f"{setting.name} is {value!r}: it must be one of {', '.join(allowed)}")
            smallest = _SMALLEST.get(setting.name, 0)
            if setting.type in (int, float) and not value >= smallest:
                raise ZooError(f"{setting.name} is {value}: it must be at least {smallest}")
        try:
            re.compile(self.freeze)
        except re.error as error:
            raise ZooError(f"freeze is {self.freeze!r}, which is no regular expression: {error}") from None
        if self.label_smoothing >= 1:
            raise ZooError(f"label_smoothing is {self.label_smoothing}: it must be below 1")
        for name in ("crop", "erase"):
            if getattr(self, name) > 1:
                raise ZooError(f"{name} is {getattr(self, name)}: it is a share, at most 1")


_SMALLEST = {"epochs": 1, "batch_size": 1, "keep": 1}
