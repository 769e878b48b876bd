"""PP-LCNet: MobileNet's separable convolutions with larger kernels and hard swish, for CPUs."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from zoo.initializers import GOOGLE, InitialValues
from zoo.layers import Activation, Dense, Dropout, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Probability, Width, WidthFactor
from zoo.models.mobilenet import DepthwiseSeparable
from zoo.models.network import FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="PP-LCNet: A Lightweight CPU Convolutional Neural Network", year=2021, url="https://arxiv.org/abs/2109.15099"
)


class Stage(NamedTuple):
    """Rows of Table 1: the kernel of each block, features, stride of the first block."""

    kernels: tuple[int, ...]
    features: int
    stride: int
    squeeze_excite: bool = False


STEM = 16
STAGES = (
    Stage((3,), 32, 1),
    Stage((3, 3), 64, 2),
    Stage((3, 3), 128, 2),
    Stage((3, 5), 256, 2),
    Stage((5, 5, 5, 5), 256, 1),
    Stage((5, 5), 512, 2, squeeze_excite=True),
)

# Factor of the width, parameters, multiply-adds.
TABLE = {
    "lcnet_050": (0.5, 1_880_856, 44_731_008),
    "lcnet_100": (1.0, 2_953_800, 155_700_480),
}


class LCNet(FoldableNetwork):
    """Cui et al. 2021, Table 1. `width` multiplies the features of all convolutions.

    `head` is the width of the dense layer after the pool (section 3.4). Squeeze-and-excite always has ReLU.
    """

    width: WidthFactor = 1.0
    head: Width = 1280
    act: Activation = nn.hard_swish
    dropout: Probability = 0.2
    initial_values: InitialValues = GOOGLE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = self.conv_blocks(self.norm_unless_folded(batch_norm, train=train))
        gate = partial(
            SqueezeExcite, gate=nn.hard_sigmoid, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype
        )
        x = conv(round_width(STEM * self.width), 3, 2, padding=1, name="conv1")(x, train)
        for s, stage in enumerate(STAGES, start=1):
            for i, kernel in enumerate(stage.kernels, start=1):
                block = DepthwiseSeparable(
                    round_width(stage.features * self.width),
                    stage.stride if i == 1 else 1,
                    padding=kernel // 2,
                    conv=conv,
                    kernel_size=kernel,
                    squeeze_excite=partial(gate, x.shape[-1] // 4) if stage.squeeze_excite else None,
                    name=f"block{s}_{i}",
                )
                x = block(x, train)
        hidden = Dense(
            self.head,
            kernel_init=init.hidden_kernel or init.dense_kernel,
            bias_init=init.dense_bias,
            dtype=self.dtype,
            name="fc1",
        )
        x = self.act(hidden(global_avg_pool(x)))
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc2")


def _entry(name: str) -> ModelInfo:
    width, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(LCNet, width=width),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=("block1_1", "block2_2", "block3_2", "block5_4", "block6_2"),
        interpolation="bicubic",
    )


ENTRIES = tuple(map(_entry, TABLE))
