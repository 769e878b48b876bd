"""RegNet X and Y: widths and depths computed from four numbers, found by restricting a design space of networks."""

import math
from collections import Counter
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal, he_normal_fan_out, torch_default_bias
from zoo.kernels.relu import keeping_output
from zoo.layers import Activation, ModuleFactory, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.round_width import round_width
from zoo.models.network import TORCHVISION_V2_CROP, FoldableNetwork, ModelInfo, Paper, maybe_remat

PAPER = Paper(title="Designing Network Design Spaces", year=2020, url="https://arxiv.org/abs/2003.13678")
# Of the network with 128 GF, whose weights at torchvision are for larger images.
LARGEST = "regnet_y_128gf"
SEER = Paper(
    title="Self-supervised Pretraining of Visual Features in the Wild",
    year=2021,
    url="https://arxiv.org/abs/2103.01988",
)

# Depth, w_0, w_a, w_m, group width (the paper's figures of the best networks), parameters, multiply-adds.
TABLE = {
    "regnet_x_400mf": (22, 24, 24.48, 2.54, 16, 5_495_976, 413_812_608),
    "regnet_x_800mf": (16, 56, 35.73, 2.28, 16, 7_259_656, 799_699_712),
    "regnet_x_1_6gf": (18, 80, 34.01, 2.25, 24, 9_190_136, 1_602_849_792),
    "regnet_x_3_2gf": (25, 88, 26.31, 2.25, 48, 15_296_552, 3_176_621_952),
    "regnet_x_8gf": (23, 80, 49.56, 2.88, 120, 39_572_648, 7_995_132_416),
    "regnet_x_16gf": (22, 216, 55.59, 2.1, 128, 54_278_536, 15_940_755_456),
    "regnet_x_32gf": (23, 320, 69.86, 2.0, 168, 107_811_560, 31_735_929_792),
    "regnet_y_400mf": (16, 48, 27.89, 2.09, 8, 4_344_144, 401_842_848),
    "regnet_y_800mf": (14, 56, 38.84, 2.4, 16, 6_432_512, 833_856_256),
    "regnet_y_1_6gf": (27, 48, 20.71, 2.65, 24, 11_202_430, 1_612_076_160),
    "regnet_y_3_2gf": (21, 80, 42.63, 2.66, 24, 19_436_338, 3_176_482_752),
    "regnet_y_8gf": (17, 192, 76.82, 2.19, 56, 39_381_472, 8_473_070_592),
    "regnet_y_16gf": (18, 200, 106.23, 2.48, 112, 83_590_140, 15_911_510_272),
    "regnet_y_32gf": (20, 232, 115.89, 2.53, 232, 145_046_770, 32_279_552_832),
    "regnet_y_128gf": (27, 456, 160.83, 2.52, 264, 644_812_894, 374_570_006_400),
}

# Torchvision's; the convolutions with biases are those of squeeze-and-excitation.
INITIAL = InitialValues(kernel=he_normal_fan_out, bias=torch_default_bias, dense_kernel=Normal(0.01))

STEM_WIDTH = 32
SQUEEZE = 0.25  # squeezed channels of the Y blocks, as a fraction of the input channels (section 4)


class StageWidths(NamedTuple):
    """The number of blocks of a stage, their width, and the width of a group of their 3x3 convolutions."""

    depth: int
    width: int
    group_width: int


def quantise_widths(depth: int, w_0: int, w_a: float, w_m: float) -> dict[int, int]:
    """{width: number of blocks} of the stages, in order: section 3.3, equations 2 to 4.

    The widths of the blocks grow linearly from w_0 by w_a per block. They are rounded to the nearest w_0 * w_m ** s,
    where s is an integer, and then to a multiple of 8.
    """
    steps = (round(math.log((w_0 + w_a * j) / w_0, w_m)) for j in range(depth))
    return Counter(8 * round(w_0 * w_m**step / 8) for step in steps)


class RegNet(FoldableNetwork, kw_only=True):
    """Radosavovic et al. 2020: a 3x3 stem and stages of `XBlock`s; the first block of a stage has stride 2.

    With `squeeze` the blocks are Y blocks: they have squeeze-and-excitation.
    """

    stages: tuple[StageWidths, ...]
    squeeze: bool = False
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm, train=train)
        init = self.initial_values
        conv = self.conv_blocks(norm)
        squeeze_excite = partial(SqueezeExcite, act=self.act, kernel_init=init.kernel, bias_init=init.bias)
        block = maybe_remat(XBlock, self.remat)
        x = conv(STEM_WIDTH, 3, 2, padding=1, name="stem")(x, train)
        for stage, (depth, width, group_width) in enumerate(self.stages, start=1):
            for i in range(1, depth + 1):
                x = block(
                    features=width,
                    group_width=group_width,
                    stride=2 if i == 1 else 1,
                    squeeze_excite=squeeze_excite if self.squeeze else None,
                    conv=conv,
                    act=self.act,
                    dtype=self.dtype,
                    name=f"block{stage}_{i}",
                )(x, train)
        return self.classify(global_avg_pool(x), "fc")


class XBlock(nn.Module):
    """Figure 4: 1x1, grouped 3x3 and 1x1 convolutions of the same width, plus the input.

    `squeeze_excite` makes the module before the last convolution, if there is one. Children: `conv1`, `conv2`, `se`,
    `conv3`, and `downsample` if the input has another shape.
    """

    features: int
    group_width: int
    stride: int
    squeeze_excite: ModuleFactory | None
    conv: ModuleFactory
    act: Activation
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        conv = partial(self.conv, self.features)
        groups = self.features // self.group_width
        y = conv(1, name="conv1")(x, train)
        y = conv(3, self.stride, padding=1, groups=groups, name="conv2")(y, train)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(round(SQUEEZE * x.shape[-1]), dtype=self.dtype, name="se")(y)
        y = conv(1, act=None, name="conv3")(y, train)
        if self.stride > 1 or x.shape[-1] != self.features:
            x = conv(1, self.stride, act=None, name="downsample")(x, train)
        return keeping_output(self.act)(x + y)


def _entry(name: str) -> ModelInfo:
    depth, w_0, w_a, w_m, group_width, parameters, macs = TABLE[name]
    quantised = quantise_widths(depth, w_0, w_a, w_m)
    groups = [min(group_width, width) for width in quantised]
    # The paper rounds to the nearest multiple of the group width; torchvision's rule for ties and for 0.9 is another.
    widths = [round_width(width, group) for width, group in zip(quantised, groups, strict=True)]
    paper_widths = [group * round(width / group) for width, group in zip(quantised, groups, strict=True)]
    stages = tuple(map(StageWidths, quantised.values(), widths, groups))
    size = 384 if name == LARGEST else 224
    return ModelInfo(
        name=name,
        build=partial(RegNet, stages=stages, squeeze=name.startswith("regnet_y"), image_shape=(size, size, 3)),
        paper=SEER if name == LARGEST else PAPER,
        parameters=parameters,
        macs=macs,
        input_size=size,
        crop=1.0 if name == LARGEST else TORCHVISION_V2_CROP,
        interpolation="bicubic" if name == LARGEST else "bilinear",
        stages=("stem", *(f"block{stage}_{depth}" for stage, depth in enumerate(quantised.values(), start=1))),
        differs=""
        if widths == paper_widths
        else f"torchvision's: stages of {widths} channels, the paper's are {paper_widths}",
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
