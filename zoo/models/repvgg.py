"""RepVGG: parallel 3x3 and 1x1 convolutions in training, a plain sequence of 3x3 convolutions in inference."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, Normal, he_normal_group_fan_out
from zoo.layers import batch_norm, global_avg_pool
from zoo.models.blocks.parallel_convolutions import ParallelConvolutions
from zoo.models.field_types import Depths, Widths
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(title="RepVGG: Making VGG-style ConvNets Great Again", year=2021, url="https://arxiv.org/abs/2101.03697")

# Table 2: the blocks of stages 1 to 5, of RepVGG-A and RepVGG-B.
A, B = (1, 2, 4, 14, 1), (1, 4, 6, 16, 1)
# Blocks per stage; multipliers a and b of the width (Table 3), parameters, multiply-adds.
TABLE = {
    "repvgg_a0": (A, 0.75, 2.5, 9_108_968, 1_512_581_120),
    "repvgg_a1": (A, 1.0, 2.5, 14_092_264, 2_626_488_320),
    "repvgg_a2": (A, 1.5, 2.75, 28_210_600, 5_685_345_280),
    "repvgg_b0": (B, 1.0, 2.5, 15_817_960, 3_397_191_680),
    "repvgg_b1": (B, 2.0, 4.0, 57_415_016, 13_128_089_600),
    "repvgg_b2": (B, 2.5, 5.0, 89_022_376, 20_418_170_880),
    "repvgg_b3": (B, 3.0, 5.0, 123_085_288, 29_120_696_320),
}

# Timm's: norms that are nearly zero, around 0.1.
INITIAL = InitialValues(kernel=he_normal_group_fan_out, dense_kernel=Normal(0.01))
branch_norm = partial(batch_norm, scale_init=Normal(0.1, mean=0.1), bias_init=Normal(0.1))


class RepVGG(FoldableNetwork):
    """Ding et al. 2021, Table 2: five stages of parallel convolutions, each halving the resolution first."""

    depths: Depths = A
    widths: Widths = (48, 48, 96, 192, 1280)
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(branch_norm, train=train)
        block = partial(
            ParallelConvolutions,
            kernel_size=3,
            conv=self.conv_blocks(norm),
            norm=norm,
            act=self.act,
            dtype=self.dtype,
        )
        for stage, (depth, width) in enumerate(zip(self.depths, self.widths, strict=True), start=1):
            for i in range(1, depth + 1):
                x = block(width, stride=2 if i == 1 else 1, name=f"stage{stage}_{i}")(x, train)
        return self.classify(global_avg_pool(x), "fc")


def _entry(name: str) -> ModelInfo:
    depths, a, b, parameters, macs = TABLE[name]
    widths = (min(64, int(64 * a)), *(int(width * a) for width in (64, 128, 256)), int(512 * b))
    return ModelInfo(
        name=name,
        build=partial(RepVGG, depths=depths, widths=widths),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=tuple(f"stage{stage}_{depth}" for stage, depth in enumerate(depths, start=1)),
    )


ENTRIES = tuple(map(_entry, TABLE))
