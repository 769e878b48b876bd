"""MobileOne: depthwise and pointwise convolutions, each with parallel branches that are one in inference."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, Normal, he_normal_group_fan_out
from zoo.layers import ModuleFactory, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.parallel_convolutions import ParallelConvolutions
from zoo.models.field_types import Branches, Depths, Positions, Widths
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="MobileOne: An Improved One millisecond Mobile Backbone", year=2022, url="https://arxiv.org/abs/2206.04040"
)

# Table 2: blocks of stages 2 to 5; widths of stages 1 to 5; over-parameterization factor of Table 3, gated blocks at
# the end of each stage, share of the image that weights are evaluated with, parameters, multiply-adds.
DEPTHS = (2, 8, 10, 1)
TABLE = {
    "mobileone_s0": ((48, 48, 128, 256, 1024), 4, (), 0.875, 5_293_272, 1_051_935_232),
    "mobileone_s1": ((64, 96, 192, 512, 1280), 1, (), 0.9, 4_825_192, 830_062_080),
    "mobileone_s2": ((64, 96, 256, 640, 2048), 1, (), 0.9, 7_884_648, 1_304_027_392),
    "mobileone_s3": ((64, 128, 320, 768, 2048), 1, (), 0.9, 10_170_600, 1_902_112_768),
    "mobileone_s4": ((64, 192, 448, 896, 2048), 1, (0, 0, 5, 1), 0.9, 14_951_248, 2_986_802_432),
}

INITIAL = InitialValues(kernel=he_normal_group_fan_out, dense_kernel=Normal(0.01))  # timm's
SQUEEZE = 16  # channels of a block divided by those of its squeeze-and-excitation


class MobileOne(FoldableNetwork):
    """Vasu et al. 2022, Table 2: a stem and four stages of depthwise 3x3 and 1x1 convolutions, with parallel branches.

    `branches` is the number of equal convolutions of a block (the paper's k); the stem has one. The last `gated` blocks
    of each stage have squeeze-and-excitation.
    """

    depths: Depths = DEPTHS
    widths: Widths = (48, 48, 128, 256, 1024)
    branches: Branches = 4
    gated: Positions = ()
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm, train=train)
        conv = self.conv_blocks(norm)
        block = partial(ParallelConvolutions, conv=conv, norm=norm, act=self.act, dtype=self.dtype)
        x = block(self.widths[0], 3, 2, name="stage1")(x, train)
        block = partial(block, count=self.branches)
        gated = self.gated or (0,) * len(self.depths)
        for stage, (depth, width, last) in enumerate(zip(self.depths, self.widths[1:], gated, strict=True), start=2):
            for i in range(1, depth + 1):
                channels, gate = x.shape[-1], self._gate if i > depth - last else lambda _: None
                depthwise = partial(block, groups=channels, squeeze_excite=gate(channels))
                x = depthwise(channels, 3, 2 if i == 1 else 1, name=f"stage{stage}_{i}_depthwise")(x, train)
                pointwise = partial(block, squeeze_excite=gate(width))
                x = pointwise(width, 1, 1, name=f"stage{stage}_{i}_pointwise")(x, train)
        return self.classify(global_avg_pool(x), "fc")

    def _gate(self, features: int) -> ModuleFactory:
        init = self.initial_values
        return partial(SqueezeExcite, features // SQUEEZE, kernel_init=init.kernel, bias_init=init.bias)


def _entry(name: str) -> ModelInfo:
    widths, branches, gated, crop, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(MobileOne, widths=widths, branches=branches, gated=gated),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=crop,
        stages=("stage1", *(f"stage{stage}_{depth}_pointwise" for stage, depth in enumerate(DEPTHS, start=2))),
    )


ENTRIES = tuple(map(_entry, TABLE))
