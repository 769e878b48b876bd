"""What every network of the zoo has in common, and the record that describes one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.layers import Activation

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Torchvision's second recipe scales to 232 before it cuts out 224.
CROP_OF_232 = 224 / 232


class Network(nn.Module, kw_only=True):
    """Images [batch, height, width, channel] to logits [batch, num_classes], float32 whatever `dtype` is.

    `num_classes=0` gives the features that the classifier would see. `act` is used for all activations.
    `image_shape` (height, width, channel) is what `zoo.init` draws parameters for; other sizes work too.
    """

    num_classes: int = 1000
    act: Activation = nn.relu
    dtype: jnp.dtype = jnp.float32
    image_shape: tuple[int, int, int] = (224, 224, 3)

    def classify(self, x: jax.Array, name: str) -> jax.Array:
        """The last, linear layer, to be called from the network's own `__call__`."""
        if self.num_classes:
            x = nn.Dense(self.num_classes, dtype=self.dtype, name=name)(x)
        return x.astype(jnp.float32)


def block_class(block: type[nn.Module], remat: bool) -> type[nn.Module]:
    """The block, or with `remat` one that keeps only its input for the backward pass; call it as block(x, train)."""
    return nn.remat(block, static_argnums=(2,)) if remat else block


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Where a network was published."""

    title: str
    year: int
    url: str


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """One network of the registry: how to build it, where it comes from, and its figures.

    `parameters` are those at `num_classes` and `input_size` pixels with `channels`, without auxiliary heads;
    `macs` the multiply-adds of the convolutions and linear layers for one such image, padding taps counted.
    Preprocessing for evaluation, that of the network's default weights: the centre is cut out, `crop` of the shorter
    side, and scaled with `interpolation`.
    `stages` are the parts that end each resolution, for `zoo.features`; `mean` and `std` are of pixels scaled to 0..1;
    `differs` says where the network departs from the paper.
    """

    name: str
    build: Callable[..., Network]
    paper: Paper
    parameters: int
    macs: int
    stages: tuple[str, ...]
    num_classes: int = 1000
    input_size: int = 224
    channels: int = 3
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    crop: float = 0.875
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    differs: str = ""

    @property
    def title(self) -> str:
        """The paper's title."""
        return self.paper.title

    @property
    def year(self) -> int:
        """The year of the paper."""
        return self.paper.year

    @property
    def url(self) -> str:
        """Where the paper is."""
        return self.paper.url
