"""Xception: depthwise separable convolutions with residual connections."""

from dataclasses import replace
from functools import partial

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.initializers import (
    KERAS_DEFAULT,
    InitialValues,
    he_normal_fan_out,
    torch_default,
    torch_default_bias,
)
from zoo.layers import (
    Activation,
    Dropout,
    ModuleFactory,
    batch_norm,
    global_avg_pool,
    max_pool,
)
from zoo.models.blocks.separable_conv import SeparableConv
from zoo.models.field_types import Probability
from zoo.models.network import FoldableNetwork, MapLayer, ModelInfo, Paper, activated, maybe_remat
from zoo.runtime.record_types import ImageShape

PAPER = Paper(
    title="Xception: Deep Learning with Depthwise Separable Convolutions",
    year=2016,
    url="https://arxiv.org/abs/1610.02357",
)

# Figure 5, with the names of the author's release: widths of the separable convolutions, stride of the pool after them.
# block1 has two ordinary convolutions, block14 the last two separable convolutions.
BLOCKS = {
    "block2": ((128, 128), 2),
    "block3": ((256, 256), 2),
    "block4": ((728, 728), 2),
    **{f"block{i}": ((728, 728, 728), 1) for i in range(5, 13)},
    "block13": ((728, 1024), 2),
}
LAST_BLOCK = (1536, 2048)
# Timm's.
INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=torch_default, dense_bias=torch_default_bias)


class Xception(FoldableNetwork):
    """Chollet 2016, Figure 5. `norm` makes the batch normalisations.

    Pools are padded on both sides, with `same_padding` as in TensorFlow.
    """

    image_shape: ImageShape = (299, 299, 3)
    same_padding: bool = False
    norm: ModuleFactory = batch_norm
    dropout: Probability = 0.5
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(self.norm, train=train)
        conv = self.conv_blocks(norm)
        separable = partial(SeparableConv, norm=norm, kernel_init=self.initial_values.kernel, dtype=self.dtype)
        block = partial(
            maybe_remat(SeparableBlock, self.remat),
            pool_padding="SAME" if self.same_padding else 1,
            conv=conv,
            separable=separable,
            act=self.act,
        )
        x = Stem(conv, name="block1")(x, train)
        for name, (widths, stride) in BLOCKS.items():
            x = block(widths, stride, activate_first=name != "block2", name=name)(x, train)
        x = LastBlock(separable, self.act, name="block14")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class Stem(nn.Module):
    """Two ordinary 3x3 convolutions without padding."""

    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        x = self.conv(32, 3, stride=2, name="conv1")(x, train)
        return self.conv(64, 3, name="conv2")(x, train)


class SeparableBlock(nn.Module):
    """Separable convolutions, each after an activation, plus a shortcut: the identity, or a 1x1 convolution.

    `activate_first`: there is an activation before the first convolution too.
    """

    widths: tuple[int, ...]
    stride: int
    activate_first: bool
    pool_padding: Padding
    conv: ModuleFactory
    separable: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = x
        for i, width in enumerate(self.widths, start=1):
            y = self.act(y) if i > 1 or self.activate_first else y
            y = self.separable(width, name=f"sepconv{i}")(y, train)
        if self.stride == 1:
            return x + y
        shortcut = self.conv(self.widths[-1], 1, stride=self.stride, act=None, name="shortcut")
        return shortcut(x, train) + max_pool(y, 3, self.stride, padding=self.pool_padding)


class LastBlock(nn.Module):
    """Two separable convolutions, each followed by its activation."""

    separable: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        for i, width in enumerate(LAST_BLOCK, start=1):
            x = self.act(self.separable(width, name=f"sepconv{i}")(x, train))
        return x


XCEPTION = ModelInfo(
    name="xception",
    build=Xception,
    paper=PAPER,
    parameters=22_855_952,
    macs=8_357_403_496,
    input_size=299,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    crop=0.8975,
    interpolation="bicubic",
    stages=("block1", "block2", "block3", "block12", "block14"),
    pyramid=("block1", *(MapLayer(block, activated) for block in ("block2", "block3", "block12")), "block14"),
    differs="timm's legacy port: pools padded on both sides, where the author's release pads only at the end; "
    "an epsilon of 1e-5",
)
ENTRIES = (
    XCEPTION,
    replace(
        XCEPTION,
        name="xception_keras",
        build=partial(
            Xception,
            same_padding=True,
            norm=partial(batch_norm, epsilon=1e-3, momentum=0.99),
            initial_values=KERAS_DEFAULT,
        ),
        crop=0.875,
        interpolation="bilinear",
        differs="",
    ),
)
