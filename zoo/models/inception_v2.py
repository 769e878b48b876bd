"""Inception v2 (BN-Inception): GoogLeNet with batch normalisation and two 3x3 convolutions instead of the 5x5."""

from functools import partial
from typing import Literal, NamedTuple

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, caffe_xavier
from zoo.layers import batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.inception_branches import Branch, BranchConv, ConvChain, InceptionBranches, Step
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    year=2015,
    url="https://arxiv.org/abs/1502.03167",
)


class ModuleWidths(NamedTuple):
    """A row of the table in Figure 5 of the paper: the features of the branches, and the kind of pool.

    The modules without a pool projection ("pass through") have stride 2 and no 1x1 branch.
    """

    width_1x1: int
    width_3x3_reduce: int
    width_3x3: int
    width_double_3x3_reduce: int
    width_double_3x3: int
    pool: Literal["average", "max"]
    width_pool_proj: int


INCEPTIONS = {
    "3a": ModuleWidths(64, 64, 64, 64, 96, "average", 32),
    "3b": ModuleWidths(64, 64, 96, 64, 96, "average", 64),
    "3c": ModuleWidths(0, 128, 160, 64, 96, "max", 0),
    "4a": ModuleWidths(224, 64, 96, 96, 128, "average", 128),
    "4b": ModuleWidths(192, 96, 128, 96, 128, "average", 128),
    "4c": ModuleWidths(160, 128, 160, 128, 160, "average", 96),
    "4d": ModuleWidths(96, 128, 192, 160, 192, "average", 96),
    "4e": ModuleWidths(0, 128, 192, 192, 256, "max", 0),
    "5a": ModuleWidths(352, 192, 320, 160, 224, "average", 128),
    "5b": ModuleWidths(352, 192, 320, 192, 224, "max", 128),
}
CAFFE_INCEPTIONS = {
    **INCEPTIONS,
    "4c": ModuleWidths(160, 128, 160, 128, 160, "average", 128),
    "4d": ModuleWidths(96, 128, 192, 160, 192, "average", 128),
}
# Caffe pools without padding and rounds the size up. Padding at the end gives the same values for even sizes, and for
# odd sizes the output size of the convolutions.
DOWNSAMPLING_POOL = partial(max_pool, window=3, stride=2, padding=((0, 2), (0, 2)))

# The Caffe networks of BN-Inception; the paper says nothing about it.
INITIAL = InitialValues(kernel=caffe_xavier, dense_kernel=caffe_xavier)

STAGES = ("conv1", "conv2", "inception_3b", "inception_4d", "inception_5b")


class InceptionV2(FoldableNetwork):
    """Ioffe and Szegedy 2015, Figure 5, with the padding and pools of the Caffe release.

    `conv_bias` gives the convolutions a bias in addition to that of batch normalisation, as in the Caffe release.
    """

    conv_bias: bool = False
    inceptions: tuple[tuple[str, ModuleWidths], ...] = tuple(INCEPTIONS.items())
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm, train=train)
        use_bias = self.conv_bias or self.folded
        conv = partial(self.conv_blocks(norm), use_bias=use_bias)
        x = ConvChain((BranchConv("7x7_s2", 64, 7, 2),), conv, name="conv1")(x, train=train)
        x = max_pool(x, 3, 2, ceil_mode=True)
        steps = (BranchConv("3x3_reduce", 64, 1), BranchConv("3x3", 192, 3))
        x = ConvChain(steps, conv, name="conv2")(x, train=train)
        x = max_pool(x, 3, 2, ceil_mode=True)
        for name, widths in self.inceptions:
            x = InceptionBranches(inception_branches(widths), conv, name=f"inception_{name}")(x, train)
        return self.classify(global_avg_pool(x), "fc")


def inception_branches(widths: ModuleWidths) -> tuple[Branch, ...]:
    """The branches of a module, from a row of the table."""
    stride = 1 if widths.width_pool_proj else 2
    branches: list[Branch] = [
        (
            BranchConv("3x3_reduce", widths.width_3x3_reduce, 1),
            BranchConv("3x3", widths.width_3x3, 3, stride),
        ),
        (
            BranchConv("double_3x3_reduce", widths.width_double_3x3_reduce, 1),
            BranchConv("double_3x3_1", widths.width_double_3x3, 3),
            BranchConv("double_3x3_2", widths.width_double_3x3, 3, stride),
        ),
    ]
    if not widths.width_pool_proj:
        return (*branches, (DOWNSAMPLING_POOL,))
    pool: Step = partial(max_pool, window=3, stride=1, padding=1) if widths.pool == "max" else "average"
    projected_pool: Branch = (pool, BranchConv("pool_proj", widths.width_pool_proj, 1))
    return ((BranchConv("1x1", widths.width_1x1, 1),), *branches, projected_pool)


ENTRIES = (
    ModelInfo(
        name="inception_v2",
        build=InceptionV2,
        paper=PAPER,
        parameters=11_194_984,
        macs=2_018_851_840,
        stages=STAGES,
        differs="a plain 7x7 convolution where the paper's first is separable (depth multiplier 8); Caffe's padding",
    ),
    ModelInfo(
        name="inception_v2_caffe",
        build=partial(InceptionV2, conv_bias=True, inceptions=tuple(CAFFE_INCEPTIONS.items())),
        paper=PAPER,
        parameters=11_295_240,
        macs=2_032_600_064,
        mean=(128 / 255, 117 / 255, 104 / 255),
        std=(1 / 255, 1 / 255, 1 / 255),
        stages=STAGES,
        differs="the Caffe release's (Cadene, pytorchcv): biases beside batch normalisation, pool projections of 128 "
        "in 4c and 4d, a plain first convolution",
    ),
)
