"""MobileNet V1 and V2: depthwise separable convolutions, and inverted residuals built from them."""

from dataclasses import replace
from functools import partial

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.initializers import GOOGLE, KERAS_DEFAULT, InitialValues, Normal, he_normal_fan_out
from zoo.layers import Activation, Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import InvertedResidual, StageSettings
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Epsilon, Momentum, Probability, Width, WidthFactor
from zoo.models.network import TORCHVISION_V2_CROP, FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    year=2017,
    url="https://arxiv.org/abs/1704.04861",
)
V2_PAPER = Paper(
    title="MobileNetV2: Inverted Residuals and Linear Bottlenecks", year=2018, url="https://arxiv.org/abs/1801.04381"
)

# Table 1 of the first paper, one row per resolution: features, depth, stride of the first block.
MOBILENET_V1 = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2))

# Table 2 of the second paper: kernel, expansion (t), features (c), depth (n), stride of the first block (s).
MOBILENET_V2 = (
    StageSettings(3, 1, 16, 1, 1),
    StageSettings(3, 6, 24, 2, 2),
    StageSettings(3, 6, 32, 3, 2),
    StageSettings(3, 6, 64, 4, 2),
    StageSettings(3, 6, 96, 3, 1),
    StageSettings(3, 6, 160, 3, 2),
    StageSettings(3, 6, 320, 1, 1),
)
# Torchvision's.
V2_INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=Normal(0.01))
V1_STAGES = ("block1_1", "block2_2", "block3_2", "block4_6", "block5_2")
V2_STAGES = ("block1_1", "block2_2", "block3_3", "block5_3", "conv_last")
V2_PYRAMID = (*V2_STAGES[:-1], "block7_1")
STEM, HEAD = 32, 1280  # features of the first convolution, and of the last one in V2


class MobileNetV1(FoldableNetwork):
    """Howard et al. 2017, Table 1: a convolution, then thirteen depthwise separable convolutions.

    `width` multiplies the features of all layers. The default padding is symmetric; `same_padding` is TensorFlow's.
    `epsilon` is batch norm's, `momentum` the decay of its running statistics.
    """

    width: WidthFactor = 1.0
    act: Activation = jax.nn.relu6
    same_padding: bool = False
    epsilon: Epsilon = 1e-5
    momentum: Momentum = 0.9
    dropout: Probability = 0.0
    initial_values: InitialValues = GOOGLE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = partial(batch_norm, epsilon=self.epsilon, momentum=self.momentum)
        conv = self.conv_blocks(self.norm_unless_folded(norm, train=train))
        padding = "SAME" if self.same_padding else 1
        x = conv(round_width(STEM * self.width), 3, 2, padding, name="conv1")(x, train)
        for stage, (features, depth, stride) in enumerate(MOBILENET_V1, start=1):
            features = round_width(features * self.width)
            for i in range(1, depth + 1):
                block = DepthwiseSeparable(features, stride if i == 1 else 1, padding, conv, name=f"block{stage}_{i}")
                x = block(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class MobileNetV2(FoldableNetwork):
    """Sandler et al. 2018, Table 2. `width` multiplies the features of all layers except the last convolution.

    That has `head` features; those of the authors' wider networks are multiplied too (section 6.1). The default padding
    is symmetric; `same_padding` is TensorFlow's. `epsilon` is batch norm's, `momentum` the decay of its running
    statistics.
    """

    act: Activation = jax.nn.relu6
    stages: tuple[StageSettings, ...] = MOBILENET_V2
    width: WidthFactor = 1.0
    head: Width = HEAD
    same_padding: bool = False
    epsilon: Epsilon = 1e-5
    momentum: Momentum = 0.9
    dropout: Probability = 0.2
    initial_values: InitialValues = V2_INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = partial(batch_norm, epsilon=self.epsilon, momentum=self.momentum)
        conv = self.conv_blocks(self.norm_unless_folded(norm, train=train))
        stem_padding = "SAME" if self.same_padding else 1
        x = conv(round_width(STEM * self.width), 3, 2, stem_padding, name="conv1")(x, train)
        for number, stage in enumerate(self.stages, start=1):
            for i in range(1, stage.depth + 1):
                block = InvertedResidual(
                    expanded=stage.expansion * x.shape[-1],
                    features=round_width(stage.features * self.width),
                    kernel_size=stage.kernel,
                    stride=stage.stride if i == 1 else 1,
                    padding="SAME" if self.same_padding else None,
                    conv=conv,
                    name=f"block{number}_{i}",
                )
                x = block(x, train)
        x = conv(self.head, 1, name="conv_last")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class DepthwiseSeparable(nn.Module):
    """A depthwise convolution, then a 1x1 convolution: Figure 3 of the first paper.

    With `squeeze_excite`, a factory, that module is between them. Children: `depthwise`, `se`, `pointwise`.
    """

    features: int
    stride: int
    padding: Padding
    conv: ModuleFactory
    kernel_size: int = 3
    squeeze_excite: ModuleFactory | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        channels = x.shape[-1]
        depthwise = partial(self.conv, stride=self.stride, padding=self.padding, groups=channels, name="depthwise")
        x = depthwise(channels, self.kernel_size)(x, train)
        if self.squeeze_excite is not None:
            x = self.squeeze_excite(name="se")(x)
        return self.conv(self.features, 1, name="pointwise")(x, train)


# Of timm's weights: width, features of the last convolution, parameters, multiply-adds.
V2_WIDTHS = {
    "mobilenet_v2_050": (0.5, HEAD, 1_968_680, 97_131_840),
    "mobilenet_v2_140": (1.4, 1792, 6_108_776, 582_195_824),
}


def _v2_entry(name: str) -> ModelInfo:
    width, head, parameters, macs = V2_WIDTHS[name]
    return ModelInfo(
        name=name,
        build=partial(MobileNetV2, width=width, head=head, initial_values=GOOGLE),
        paper=V2_PAPER,
        parameters=parameters,
        macs=macs,
        interpolation="bicubic",
        stages=V2_STAGES,
        pyramid=V2_PYRAMID,
        differs="timm's: symmetric padding, where the authors' release pads as TensorFlow",
    )


V1 = ModelInfo(
    name="mobilenet_v1",
    build=MobileNetV1,
    paper=PAPER,
    parameters=4_231_976,
    macs=568_740_352,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    interpolation="bicubic",
    stages=V1_STAGES,
    differs="timm's: ReLU6 as in the authors' release, where the paper says ReLU; symmetric padding",
)
V2 = ModelInfo(
    name="mobilenet_v2",
    build=MobileNetV2,
    paper=V2_PAPER,
    parameters=3_504_872,
    macs=300_774_272,
    crop=TORCHVISION_V2_CROP,
    stages=V2_STAGES,
    pyramid=V2_PYRAMID,
    differs="torchvision's: symmetric padding, where the authors' release pads as TensorFlow",
)


def _keras_entry(info: ModelInfo, momentum: float, differs: str) -> ModelInfo:
    """The network as Keras has it: with the padding and the constants of TensorFlow."""
    released = {"same_padding": True, "epsilon": 1e-3, "momentum": momentum, "initial_values": KERAS_DEFAULT}
    return replace(
        info,
        name=f"{info.name}_keras",
        build=partial(info.build, **released),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.875,
        interpolation="bilinear",
        differs=differs,
    )


ENTRIES = (
    V1,
    ModelInfo(
        name="mobilenet_v1_125",
        build=partial(MobileNetV1, width=1.25),
        paper=PAPER,
        parameters=6_270_840,
        macs=879_516_800,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.9,
        interpolation="bicubic",
        stages=V1_STAGES,
        differs="timm's: ReLU6, symmetric padding, and wider than those of the paper",
    ),
    _keras_entry(V1, 0.99, "Keras's: ReLU6 as in the authors' release, where the paper says ReLU"),
    V2,
    *map(_v2_entry, V2_WIDTHS),
    _keras_entry(V2, 0.999, ""),
)
