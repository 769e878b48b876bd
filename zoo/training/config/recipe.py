"""A recipe: all that decides a training run besides the network and the data."""

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Literal

from zoo.errors import ZooError
from zoo.training.config.config_field import setting


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides a training run besides the network and the data. Raises ZooError for impossible values."""

    epochs: int = setting(20, "passes over the training images")
    batch_size: int = setting(64, "images a step, over all devices")
    optimizer: Literal["adamw", "sgd", "lamb", "muon"] = setting("adamw", "sgd is with Nesterov momentum")
    learning_rate: float = setting(1e-3, "its peak, at the end of a linear warmup")
    schedule: Literal["cosine", "linear", "constant"] = setting("cosine", "of the learning rate after its peak")
    warmup_epochs: float = setting(1.0, "epochs until the learning rate has its peak")
    momentum: float = setting(0.9, "of sgd")
    weight_decay: float = setting(1e-4, "on kernels; biases and norms are spared")
    clip_norm: float = setting(0.0, "largest global norm of the gradient; 0: no clipping")
    accumulate: int = setting(1, "batches whose gradients are averaged for one update")
    ema: float = setting(0.0, "decay of a running mean of the network, evaluated and saved in its place; 0: none")
    label_smoothing: float = setting(0.0, "share of the target spread over all classes")
    aux_heads: bool = setting(False, "train the auxiliary classifiers too, where the network has them")
    aux_weight: float = setting(0.3, "of each auxiliary loss")
    freeze: str = setting("none", "none, backbone (all but the head), or a regular expression of layers", "LAYERS")
    backbone_rate: float = setting(1.0, "learning rate of all but the head, as a share of the head's")
    crop: float = setting(0.0, "least share of an image's area of a random crop, resized to its size; 0: no crop")
    shift: int = setting(0, "pixels by which images move at random, at most, up, down, left and right")
    flip: bool = setting(False, "mirror every other image")
    trivial_augment: bool = setting(False, "change each image by one random operation of TrivialAugment")
    erase: float = setting(0.0, "share of the images that lose a random rectangle")
    mixup: float = setting(0.0, "alpha of mixup, a blend of two images and their labels (0.2 is usual); 0: none")
    cutmix: float = setting(0.0, "alpha of CutMix, a box of one image in another (1 is usual); 0: none")
    image_size: int = setting(0, "pixels a side; 0: the network's, or for small images the next multiple of 32")
    fit: Literal["resize", "pad"] = setting("resize", "how smaller images get that size")
    feed: Literal["auto", "resident", "streamed"] = setting(
        "auto", "images kept on the devices, or read as needed; auto: kept where they are small"
    )
    dtype: Literal["float32", "bfloat16"] = setting("float32", "of the computation; parameters stay float32")
    seed: int = setting(0, "of the initial parameters, the shuffling, the dropout and the augmentation")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, allowed = getattr(self, field.name), getattr(field.type, "__args__", None)
            if allowed and value not in allowed:
                raise ZooError(f"{field.name} is {value!r}: it must be one of {', '.join(allowed)}")
            smallest = _SMALLEST.get(field.name, 0)
            if field.type in (int, float) and not value >= smallest:
                raise ZooError(f"{field.name} is {value}: it must be at least {smallest}")
            if field.type is float and not math.isfinite(value):
                raise ZooError(f"{field.name} is {value}: it must be a finite number")
        if self.seed >= 2**32:
            raise ZooError(f"seed is {self.seed}: it must be below 2**32")
        try:
            re.compile(self.freeze)
        except re.error as error:
            raise ZooError(f"freeze is {self.freeze!r}, which is no regular expression: {error}") from None
        if self.label_smoothing >= 1:
            raise ZooError(f"label_smoothing is {self.label_smoothing}: it must be below 1")
        if self.ema >= 1:
            raise ZooError(f"ema is {self.ema}: it must be below 1")
        for name in ("crop", "erase"):
            if getattr(self, name) > 1:
                raise ZooError(f"{name} is {getattr(self, name)}: it is a share, at most 1")


_SMALLEST = {"epochs": 1, "batch_size": 1, "accumulate": 1}
