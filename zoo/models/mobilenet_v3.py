"""MobileNet V3: inverted residuals from an architecture search, with squeeze-and-excite and hard swish."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import GOOGLE, InitialValues, Normal, he_normal_fan_out
from zoo.layers import Activation, Dense, Dropout, ModuleFactory, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import InvertedResidual
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Epsilon, Probability, Width
from zoo.models.network import TORCHVISION_V2_CROP, FoldableNetwork, ModelInfo, Paper

PAPER = Paper(title="Searching for MobileNetV3", year=2019, url="https://arxiv.org/abs/1905.02244")


class SearchedStage(NamedTuple):
    """Consecutive rows of Tables 1 and 2 with the same number of output features.

    `expanded` has the expanded features of each block. `hard_swish` is False for ReLU. The first block has the stride.
    """

    kernel: int
    features: int
    squeeze_excite: bool
    hard_swish: bool
    stride: int
    expanded: tuple[int, ...]


LARGE = (
    SearchedStage(3, 16, False, False, 1, (16,)),
    SearchedStage(3, 24, False, False, 2, (64, 72)),
    SearchedStage(5, 40, True, False, 2, (72, 120, 120)),
    SearchedStage(3, 80, False, True, 2, (240, 200, 184, 184)),
    SearchedStage(3, 112, True, True, 1, (480, 672)),
    SearchedStage(5, 160, True, True, 2, (672, 960, 960)),
)
SMALL = (
    SearchedStage(3, 16, True, False, 2, (16,)),
    SearchedStage(3, 24, False, False, 2, (72, 88)),
    SearchedStage(5, 40, True, True, 2, (96, 240, 240)),
    SearchedStage(5, 48, True, True, 1, (120, 144)),
    SearchedStage(5, 96, True, True, 2, (288, 576, 576)),
)
INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=Normal(0.01))  # as torchvision's
STEM = 16  # features of the first convolution


class MobileNetV3(FoldableNetwork):
    """Howard et al. 2019, Tables 1 and 2: inverted residuals, and a head that pools before its widest layer.

    `act` is a pair, hard swish and ReLU as in the tables, or one activation for both. `head` is the width of the dense
    layer after the pool. `epsilon` is TensorFlow's default; timm's own networks have 1e-5. The default padding is
    symmetric; `same_padding` is that of the authors' release.
    """

    act: Activation | tuple[Activation, Activation] = (nn.hard_swish, nn.relu)  # type: ignore[assignment]
    stages: tuple[SearchedStage, ...] = LARGE
    head: Width = 1280
    same_padding: bool = False
    epsilon: Epsilon = 1e-3
    dropout: Probability = 0.2
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        act, early_act = self.act if isinstance(self.act, tuple) else (self.act, self.act)
        # Section 6.1.1 of the paper: the decay of the running statistics.
        norm = self.norm_unless_folded(partial(batch_norm, epsilon=self.epsilon, momentum=0.99), train=train)
        init = self.initial_values
        conv = partial(self.conv_blocks(norm), act=act)
        x = conv(STEM, 3, 2, padding="SAME" if self.same_padding else 1, name="conv1")(x, train)
        for number, stage in enumerate(self.stages, start=1):
            for i, expanded in enumerate(stage.expanded, start=1):
                block = InvertedResidual(
                    expanded=expanded,
                    features=stage.features,
                    kernel_size=stage.kernel,
                    stride=stage.stride if i == 1 else 1,
                    padding="SAME" if self.same_padding else None,
                    conv=conv if stage.hard_swish else partial(conv, act=early_act),
                    squeeze_excite=squeeze_excite(expanded, init, self.dtype) if stage.squeeze_excite else None,
                    name=f"block{number}_{i}",
                )
                x = block(x, train)
        x = conv(6 * x.shape[-1], 1, name="conv_last")(x, train)
        hidden_kernel = init.hidden_kernel or init.dense_kernel
        hidden = Dense(self.head, kernel_init=hidden_kernel, bias_init=init.dense_bias, dtype=self.dtype, name="fc1")
        x = act(hidden(global_avg_pool(x)))
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc2")


def squeeze_excite(expanded: int, init: InitialValues, dtype: jnp.dtype) -> ModuleFactory:
    """Squeeze-and-excite with a quarter of the expanded channels (section 5.3) and a hard sigmoid (section 5.2)."""
    return partial(
        SqueezeExcite,
        round_width(expanded // 4),
        gate=nn.hard_sigmoid,
        kernel_init=init.kernel,
        bias_init=init.bias,
        dtype=dtype,
    )


NO_LAST_GATE = "no squeeze-and-excite after the last convolution, where Table 2 has one"

TORCHVISION = (
    ModelInfo(
        name="mobilenet_v3_large",
        build=MobileNetV3,
        paper=PAPER,
        parameters=5_483_032,
        macs=216_589_760,
        crop=TORCHVISION_V2_CROP,
        stages=("block1_1", "block2_2", "block3_3", "block5_2", "conv_last"),
        differs="torchvision's: symmetric padding, where the authors' release pads as TensorFlow",
    ),
    ModelInfo(
        name="mobilenet_v3_small",
        build=partial(MobileNetV3, stages=SMALL, head=1024),
        paper=PAPER,
        parameters=2_542_856,
        macs=56_510_400,
        stages=("conv1", "block1_1", "block2_2", "block4_2", "conv_last"),
        differs=f"torchvision's: {NO_LAST_GATE}; symmetric padding",
    ),
)


def _released(info: ModelInfo) -> ModelInfo:
    """The network as the authors released it, in timm."""
    return replace(
        info,
        name=f"{info.name}_tf",
        build=partial(info.build, same_padding=True, initial_values=GOOGLE),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.875,
        differs=NO_LAST_GATE if "small" in info.name else "",
    )


ENTRIES = (*TORCHVISION, *map(_released, TORCHVISION))
