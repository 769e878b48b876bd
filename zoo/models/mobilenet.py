"""MobileNet V1 and V2: depthwise separable convolutions, and inverted residuals made of them."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax

from zoo.layers import Activation, ConvBlock, batch_norm, global_avg_pool
from zoo.models.network import CROP_OF_232, ModelInfo, Network, Paper

PAPER = Paper(
    title="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    year=2017,
    url="https://arxiv.org/abs/1704.04861",
)
V2_PAPER = Paper(
    title="MobileNetV2: Inverted Residuals and Linear Bottlenecks", year=2018, url="https://arxiv.org/abs/1801.04381"
)

# Table 1 of the first paper, a row a resolution: features, depth, stride of the first block.
V1_ROWS = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2))

# A row of Table 2 of the second paper: kernel, expansion (t), features (c), depth (n), stride of the first block (s).
Row = tuple[int, int, int, int, int]
V2_ROWS: tuple[Row, ...] = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (3, 6, 32, 3, 2),
    (3, 6, 64, 4, 2),
    (3, 6, 96, 3, 1),
    (3, 6, 160, 3, 2),
    (3, 6, 320, 1, 1),
)
STEM, HEAD = 32, 1280


class MobileNetV1(Network):
    """Howard et al. 2017, Table 1: a convolution and thirteen depthwise separable ones."""

    act: Activation = jax.nn.relu6
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(ConvBlock, norm=batch_norm, act=self.act, dtype=self.dtype)
        x = conv(STEM, 3, 2, padding=1, name="conv1")(x, train)
        for stage, (features, depth, stride) in enumerate(V1_ROWS, start=1):
            for i in range(1, depth + 1):
                block = DepthwiseSeparable(features, stride if i == 1 else 1, conv, name=f"block{stage}_{i}")
                x = block(x, train)
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class DepthwiseSeparable(nn.Module):
    """A 3x3 convolution of each channel by itself, then a 1x1 convolution of all (Figure 3 of the first paper)."""

    features: int
    stride: int
    conv: Callable[..., nn.Module]

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        channels = x.shape[-1]
        x = self.conv(channels, 3, self.stride, padding=1, groups=channels, name="depthwise")(x, train)
        return self.conv(self.features, 1, name="pointwise")(x, train)


class MobileNetV2(Network):
    """Sandler et al. 2018, Table 2; `width` multiplies the features of all layers but the last convolution.

    `momentum` is that of the running statistics.
    """

    act: Activation = jax.nn.relu6
    rows: tuple[Row, ...] = V2_ROWS
    width: float = 1.0
    momentum: float = 0.9
    dropout: float = 0.2

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = partial(batch_norm, momentum=self.momentum)
        conv = partial(ConvBlock, norm=norm, act=self.act, dtype=self.dtype)
        x = conv(multiple_of_8(STEM * self.width), 3, 2, padding=1, name="conv1")(x, train)
        for stage, (kernel, expansion, features, depth, stride) in enumerate(self.rows, start=1):
            features = multiple_of_8(features * self.width)
            for i in range(1, depth + 1):
                expanded = expansion * x.shape[-1]
                block = InvertedResidual(
                    expanded, features, kernel, stride if i == 1 else 1, conv, name=f"block{stage}_{i}"
                )
                x = block(x, train)
        x = conv(HEAD, 1, name="conv_last")(x, train)
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class InvertedResidual(nn.Module):
    """1x1 expansion where it widens, depthwise convolution, 1x1 projection without activation, and x where it fits.

    Figure 4(d) of the second paper; MobileNetV3 and its kin put `squeeze_excite` before the projection.
    """

    expanded: int
    features: int
    kernel_size: int
    stride: int
    conv: Callable[..., nn.Module]
    squeeze_excite: Callable[..., nn.Module] | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = x
        if self.expanded != x.shape[-1]:
            y = self.conv(self.expanded, 1, name="expand")(y, train)
        depthwise = partial(self.conv, padding=self.kernel_size // 2, groups=self.expanded, name="depthwise")
        y = depthwise(self.expanded, self.kernel_size, self.stride)(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(name="se")(y)
        y = self.conv(self.features, 1, act=None, name="project")(y, train)
        return x + y if x.shape == y.shape else y


def multiple_of_8(width: float) -> int:
    """The nearest multiple of 8, or the next where that would take more than a tenth (TensorFlow's make_divisible)."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * width else nearest + 8


ENTRIES = (
    ModelInfo(
        name="mobilenet_v1",
        build=MobileNetV1,
        paper=PAPER,
        parameters=4_231_976,
        macs=568_740_352,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        interpolation="bicubic",
        stages=("block1_1", "block2_2", "block3_2", "block4_6", "block5_2"),
        differs="timm's: ReLU6 as in the authors' release, where the paper says ReLU; symmetric padding",
    ),
    ModelInfo(
        name="mobilenet_v2",
        build=MobileNetV2,
        paper=V2_PAPER,
        parameters=3_504_872,
        macs=300_774_272,
        crop=CROP_OF_232,
        stages=("block1_1", "block2_2", "block3_3", "block5_3", "conv_last"),
        differs="torchvision's: symmetric padding, where the authors' release pads as TensorFlow",
    ),
)
