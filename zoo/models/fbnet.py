"""FBNet-C: a mobile network from a differentiable architecture search."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.initializers import GOOGLE, InitialValues
from zoo.layers import Dropout, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import InvertedResidual
from zoo.models.field_types import Epsilon, Probability
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture Search",
    year=2018,
    url="https://arxiv.org/abs/1812.03443",
)


class Stage(NamedTuple):
    """Features, stride of the first block, and (kernel, expansion) of each block that is not a skip."""

    features: int
    stride: int
    blocks: tuple[tuple[int, int], ...]


STEM, HEAD = 16, 1984
# Column FBNet-C of Figure 4 of the paper.
STAGES = (
    Stage(16, 1, ((3, 1),)),
    Stage(24, 2, ((3, 6), (3, 1), (3, 1))),
    Stage(32, 2, ((5, 6), (5, 3), (5, 6), (3, 6))),
    Stage(64, 2, ((5, 6), (5, 3), (5, 6), (5, 6))),
    Stage(112, 1, ((5, 6), (5, 6), (5, 6), (5, 3))),
    Stage(184, 2, ((5, 6), (5, 6), (5, 6), (5, 6))),
    Stage(352, 1, ((3, 6),)),
)


class FBNet(FoldableNetwork):
    """Wu et al. 2018, section 3.1: inverted residuals, which have their first convolution with an expansion of 1 too.

    `epsilon` is that of timm's weights.
    """

    epsilon: Epsilon = 1e-3
    dropout: Probability = 0.2
    initial_values: InitialValues = GOOGLE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(partial(batch_norm, epsilon=self.epsilon), train=train)
        conv = self.conv_blocks(norm)
        x = conv(STEM, 3, 2, padding=1, name="conv1")(x, train)
        for s, stage in enumerate(STAGES, start=1):
            for i, (kernel, expansion) in enumerate(stage.blocks, start=1):
                block = InvertedResidual(
                    expanded=expansion * x.shape[-1],
                    features=stage.features,
                    kernel_size=kernel,
                    stride=stage.stride if i == 1 else 1,
                    conv=conv,
                    always_expand=True,
                    name=f"block{s}_{i}",
                )
                x = block(x, train)
        x = conv(HEAD, 1, name="conv_last")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


ENTRIES = (
    ModelInfo(
        name="fbnetc_100",
        build=FBNet,
        paper=PAPER,
        parameters=5_572_200,
        macs=384_960_160,
        stages=("block1_1", "block2_3", "block3_4", "block5_4", "conv_last"),
        pyramid=("block1_1", "block2_3", "block3_4", "block5_4", "block7_1"),
        differs="timm's: an epsilon of 1e-3, and blocks that the search skipped are left out",
    ),
)
