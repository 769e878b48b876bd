"""EfficientNet B0 to B7, and the blocks and the network that its successors V2 and Lite are made of."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.layers import Activation, ConvBlock, SqueezeExcite, batch_norm, global_avg_pool, stochastic_depth
from zoo.models.network import ModelInfo, Network, Paper, block_class

PAPER = Paper(
    title="EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    year=2019,
    url="https://arxiv.org/abs/1905.11946",
)


class Stage(NamedTuple):
    """A row of the papers' tables: `depth` blocks of one width, of which the first has the stride."""

    expansion: int
    kernel: int
    stride: int
    width: int
    depth: int
    fused: bool = False


# Table 1 of the paper, between its stem of 32 channels and its head of 1280.
B0 = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
STEM, HEAD = 32, 1280

# Factors of width and depth, image size, what torchvision scales images to before it cuts that out, dropout,
# parameters, multiply-adds.
TABLE = {
    "b0": (1.0, 1.0, 224, 256, 0.2, 5_288_548, 385_814_752),
    "b1": (1.0, 1.1, 240, 255, 0.2, 7_794_184, 686_802_832),
    "b2": (1.1, 1.2, 288, 288, 0.3, 9_109_994, 1_087_529_456),
    "b3": (1.2, 1.4, 300, 320, 0.3, 12_233_232, 1_827_141_392),
    "b4": (1.4, 1.8, 380, 384, 0.4, 19_341_616, 4_393_771_024),
    "b5": (1.6, 2.2, 456, 456, 0.4, 30_389_784, 10_266_384_752),
    "b6": (1.8, 2.6, 528, 528, 0.5, 43_040_704, 19_067_593_536),
    "b7": (2.0, 3.1, 600, 600, 0.5, 66_347_960, 37_745_884_192),
}
# Those whose batch norm is the release's; torchvision trained the smaller ones with its own default.
RELEASED_NORM = ("b5", "b6", "b7")


def scaled_width(width: int, factor: float) -> int:
    """The multiple of 8 nearest to width * factor that is not more than a tenth below it."""
    nearest = max(8, int(width * factor + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width * factor else nearest


def scaled_depth(depth: int, factor: float) -> int:
    """depth * factor, rounded up."""
    return math.ceil(depth * factor)


def scaled(stages: tuple[Stage, ...], width: float, depth: float) -> tuple[Stage, ...]:
    """Compound scaling (section 3.3), less the image size."""
    return tuple(
        stage._replace(width=scaled_width(stage.width, width), depth=scaled_depth(stage.depth, depth))
        for stage in stages
    )


class Block(nn.Module):
    """What MBConv and FusedMBConv share: their fields, and the shortcut where input and output have one shape."""

    features: int
    expansion: int
    kernel: int
    stride: int
    padding: Padding
    drop_rate: float
    conv: Callable[..., nn.Module]
    squeeze_excite: Callable[..., nn.Module] | None = None

    def residual(self, x: jax.Array, y: jax.Array, train: bool) -> jax.Array:
        """y plus the block's input, where that can be; training drops y at the block's rate."""
        return x + stochastic_depth(self.drop_rate, train=train)(y) if x.shape == y.shape else y


class MBConv(Block):
    """Expand, filter each channel, gate, project: MobileNetV2's inverted bottleneck with squeeze and excitation."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        channels, y = x.shape[-1], x
        expanded = channels * self.expansion
        if self.expansion != 1:
            y = self.conv(expanded, 1, name="expand")(y, train)
        depthwise = self.conv(expanded, self.kernel, self.stride, self.padding, groups=expanded, name="depthwise")
        y = depthwise(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(max(1, channels // 4), name="se")(y)
        y = self.conv(self.features, 1, act=None, name="project")(y, train)
        return self.residual(x, y, train)


class FusedMBConv(Block):
    """One convolution in the place of MBConv's first two, and of all where nothing expands (EfficientNetV2, Fig. 2)."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        features = self.features if self.expansion == 1 else x.shape[-1] * self.expansion
        y = self.conv(features, self.kernel, self.stride, self.padding, name="fused")(x, train)
        if self.expansion != 1:
            y = self.conv(self.features, 1, act=None, name="project")(y, train)
        return self.residual(x, y, train)


class EfficientNet(Network):
    """Tan & Le 2019: stem, stages of MBConv or FusedMBConv, head, one dense layer.

    `same_padding` is TensorFlow's, with which Google's own weights were trained (their batch norm has an `epsilon` of
    1e-3); torchvision's, the default, is symmetric. `stochastic_depth` grows block by block from nothing.
    """

    stages: tuple[Stage, ...] = B0
    stem: int = STEM
    head: int = HEAD
    act: Activation = nn.silu
    squeeze_excite: bool = True
    same_padding: bool = False
    epsilon: float = 1e-5
    momentum: float = 0.9
    dropout: float = 0.2
    stochastic_depth: float = 0.2
    remat: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = partial(batch_norm, epsilon=self.epsilon, momentum=self.momentum)
        conv = partial(ConvBlock, norm=norm, act=self.act, dtype=self.dtype)
        gate = partial(SqueezeExcite, act=self.act, dtype=self.dtype) if self.squeeze_excite else None

        x = conv(self.stem, 3, 2, self._padding(3), name="stem")(x, train)
        blocks = [(s, i, stage) for s, stage in enumerate(self.stages, 1) for i in range(1, stage.depth + 1)]
        for place, (s, i, stage) in enumerate(blocks):
            block = block_class(FusedMBConv if stage.fused else MBConv, self.remat)(
                stage.width,
                stage.expansion,
                stage.kernel,
                stride=stage.stride if i == 1 else 1,
                padding=self._padding(stage.kernel),
                drop_rate=self.stochastic_depth * place / len(blocks),
                conv=conv,
                squeeze_excite=gate,
                name=f"block{s}_{i}",
            )
            x = block(x, train)
        x = conv(self.head, 1, name="head")(x, train)
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")

    def _padding(self, kernel: int) -> Padding:
        return "SAME" if self.same_padding else kernel // 2


def last_blocks(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """The last block of each resolution."""
    following = (*(stage.stride for stage in stages[1:]), 2)
    return tuple(
        f"block{s}_{stage.depth}"
        for s, (stage, stride) in enumerate(zip(stages, following, strict=True), 1)
        if stride == 2
    )


def _entry(name: str) -> ModelInfo:
    width, depth, size, scaled_to, dropout, parameters, macs = TABLE[name]
    stages = scaled(B0, width, depth)
    released = {"epsilon": 1e-3, "momentum": 0.99} if name in RELEASED_NORM else {}
    differs = ["torchvision's: symmetric padding where the release pads as TensorFlow"]
    differs += [] if released else ["batch norm with torch's constants"]
    differs += ["images of 288 pixels for 260"] if name == "b2" else []
    return ModelInfo(
        name=f"efficientnet_{name}",
        build=partial(
            EfficientNet,
            stages=stages,
            stem=scaled_width(STEM, width),
            head=scaled_width(HEAD, width),
            dropout=dropout,
            image_shape=(size, size, 3),
            **released,
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(stages),
        input_size=size,
        crop=size / scaled_to,
        # B1's weights are of torchvision's own recipe.
        interpolation="bilinear" if name == "b1" else "bicubic",
        differs=", ".join(differs),
    )


ENTRIES = tuple(map(_entry, TABLE))
