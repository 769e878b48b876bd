"""NFNet and NF-ResNet: scaled weights and activations keep the variance, where other networks have batch norm."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.initializers import InitialValues, Normal, lecun_normal
from zoo.layers import (
    Activation,
    Dropout,
    ModuleFactory,
    SqueezeExcite,
    global_avg_pool,
    max_pool,
)
from zoo.models.blocks.channel_attention import EfficientChannelAttention
from zoo.models.blocks.norm_free import NormFreeBlock, expected_deviations, scaled
from zoo.models.blocks.residual import block_settings, last_blocks
from zoo.models.blocks.standardized_conv import ScaledStandardizedConv
from zoo.models.convnext import exact_gelu
from zoo.models.field_types import Depths, Fraction, Probability, Scale, Width, Widths
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat
from zoo.models.resnet import DEPTHS

NF_RESNET = Paper(
    title="Characterizing signal propagation to close the performance gap in unnormalized ResNets",
    year=2021,
    url="https://arxiv.org/abs/2101.08692",
)
NFNET = Paper(
    title="High-Performance Large-Scale Image Recognition Without Normalization",
    year=2021,
    url="https://arxiv.org/abs/2102.06171",
)

# One divided by the deviation of the activation of a normal distribution (the authors' program, nfnets/base.py).
GELU_GAIN, SILU_GAIN, RELU_GAIN = 1.7015043497085571, 1.7881293296813965, 1.7139588594436646
SQUEEZE = 0.5  # channels of squeeze-and-excitation, as a fraction of a block's (section 4)

INITIAL = InitialValues(kernel=lecun_normal, dense_kernel=Normal(0.01))  # timm's


class NFNet(Network):
    """Brock et al. 2021, section 4: a stem, stages of blocks without norms, a 1x1 convolution to `last_width`.

    The stem is "deep", four 3x3 convolutions, or the "7x7" convolution and the pool of ResNet. `extra_conv` is a second
    3x3 convolution of a block; both have groups of `group_width` channels. `attention` is squeeze-and-excitation
    ("se"), efficient channel attention ("eca") or none.

    `act_gain` makes the variance after `act` that before it: a factor of the kernels or, with `scaled_act`, of the
    activations. At first branches are zero, by a scale of the branch with `skip_init`, else by gains of its last
    convolution. DeepMind's weights have both, and `same_padding`, TensorFlow's. The rate of stochastic depth grows
    linearly from 0 in the first block to `stochastic_depth` in the last.
    """

    depths: Depths = DEPTHS[50]
    widths: Widths = (256, 512, 1024, 2048)
    stem: Literal["deep", "7x7"] = "7x7"
    stem_width: Width = 64
    last_width: Width | None = None
    bottleneck: Fraction = 0.25
    group_width: Width | None = None
    extra_conv: bool = False
    attention: Literal["se", "eca", "none"] = "none"
    act: Activation = nn.relu
    act_gain: Scale = RELU_GAIN
    scaled_act: bool = False
    same_padding: bool = False
    skip_init: bool = False
    stochastic_depth: Probability = 0.0
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = partial(
            ScaledStandardizedConv,
            scale=1.0 if self.scaled_act else self.act_gain,
            kernel_init=init.kernel,
            bias_init=init.bias,
            dtype=self.dtype,
        )
        act = partial(scaled, act=self.act, gain=self.act_gain) if self.scaled_act else self.act
        block = partial(
            maybe_remat(NormFreeBlock, self.remat),
            bottleneck=self.bottleneck,
            group_width=self.group_width,
            extra_conv=self.extra_conv,
            skip_init=self.skip_init,
            padding=self._padding,
            conv=conv,
            act=act,
        )
        x = self._stem(x, conv, act)
        blocks = block_settings(self.depths, self.widths, self.stochastic_depth)
        for settings, deviation in zip(blocks, expected_deviations(self.depths), strict=True):
            x = block(settings, deviation, attention=self._attention(settings.width), name=settings.name)(x, train)
        if self.last_width is not None:
            x = conv(self.last_width, 1, name="conv_last")(x)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(act(x)))
        return self.classify(x, "fc")

    def _stem(self, x: jax.Array, conv: ModuleFactory, act: Activation) -> jax.Array:
        width = self.stem_width
        if self.stem == "7x7":
            return max_pool(conv(width, 7, 2, padding=3, name="conv1")(x), 3, 2, padding=1)
        conv = partial(conv, kernel_size=3, padding=self._padding)
        x = act(conv(width // 8, stride=2, name="conv1_1")(x))
        x = act(conv(width // 4, name="conv1_2")(x))
        x = act(conv(width // 2, name="conv1_3")(x))
        return conv(width, stride=2, name="conv1_4")(x)

    @property
    def _padding(self) -> Padding:
        """Of the 3x3 convolutions."""
        return "SAME" if self.same_padding else 1

    def _attention(self, features: int) -> ModuleFactory | None:
        init = self.initial_values
        if self.attention == "se":
            gate = partial(SqueezeExcite, int(SQUEEZE * features), kernel_init=init.kernel, bias_init=init.bias)
            return partial(gate, dtype=self.dtype, name="se")
        return partial(EfficientChannelAttention, dtype=self.dtype, name="eca") if self.attention == "eca" else None


WIDTHS = (256, 512, 1536, 1536)
DEEPMIND = partial(
    NFNet,
    widths=WIDTHS,
    stem="deep",
    stem_width=128,
    last_width=3072,
    bottleneck=0.5,
    group_width=128,
    extra_conv=True,
    attention="se",
    act=exact_gelu,
    act_gain=GELU_GAIN,
    scaled_act=True,
    same_padding=True,
    skip_init=True,
    stochastic_depth=0.25,
)
LIGHT = partial(
    NFNet,
    widths=WIDTHS,
    stem="deep",
    stem_width=128,
    bottleneck=0.25,
    group_width=64,
    extra_conv=True,
    attention="eca",
    act=jax.nn.silu,
    act_gain=SILU_GAIN,
)
# The network, blocks per stage, size of images, share of them that is evaluated, parameters, multiply-adds.
TABLE: dict[str, tuple[Callable[..., NFNet], tuple[int, ...], int, float, int, int]] = {
    "dm_nfnet_f0": (partial(DEEPMIND, dropout=0.2), (1, 2, 6, 3), 192, 0.9, 71_489_284, 6_977_003_520),
    "dm_nfnet_f1": (partial(DEEPMIND, dropout=0.3), (2, 4, 12, 6), 224, 0.91, 132_634_256, 17_437_921_280),
    "dm_nfnet_f2": (partial(DEEPMIND, dropout=0.4), (3, 6, 18, 9), 256, 0.92, 193_779_228, 33_139_318_784),
    "dm_nfnet_f3": (partial(DEEPMIND, dropout=0.4), (4, 8, 24, 12), 320, 0.94, 254_924_200, 67_944_292_352),
    "eca_nfnet_l0": (partial(LIGHT, last_width=2304), (1, 2, 6, 3), 224, 0.9, 24_143_924, 4_244_258_560),
    "eca_nfnet_l1": (partial(LIGHT, last_width=3072), (2, 4, 12, 6), 256, 0.9, 41_407_728, 9_428_610_560),
    "nf_resnet50": (NFNet, DEPTHS[50], 256, 0.94, 25_557_032, 5_340_348_416),
}
DIFFERS = {
    "dm": "",
    "eca": "timm's: narrower, with efficient channel attention",
    "nf": "timm's: branches begin with gains of 0, and the activation's gain is that of the kernels",
}


def _entry(name: str) -> ModelInfo:
    build, depths, size, crop, parameters, macs = TABLE[name]
    kind = name.split("_")[0]
    stages = ("conv1" if kind == "nf" else "conv1_3", *last_blocks(depths)[1:])
    return ModelInfo(
        name=name,
        build=partial(build, depths=depths, image_shape=(size, size, 3)),
        paper=NF_RESNET if kind == "nf" else NFNET,
        parameters=parameters,
        macs=macs,
        stages=stages,
        pyramid=() if kind == "nf" else (*stages[:-1], "conv_last"),
        input_size=size,
        fit="squash" if kind == "dm" else "resize",
        crop=crop,
        interpolation="bicubic",
        differs=DIFFERS[kind],
    )


ENTRIES = tuple(map(_entry, TABLE))
