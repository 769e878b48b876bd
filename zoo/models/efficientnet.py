"""EfficientNet B0 to B7, in torchvision and as released, and the network of V2, Lite and EdgeTPU."""

import math
from functools import partial

import flax.linen as nn
import jax

from zoo.geometry import Padding
from zoo.initializers import GOOGLE, InitialValues, he_normal_fan_out, uniform_fan_out
from zoo.layers import Activation, Dropout, ModuleFactory, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import FusedMBConv, InvertedResidual, StageSettings
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Epsilon, Momentum, Probability, Width
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat

PAPER = Paper(
    title="EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    year=2019,
    url="https://arxiv.org/abs/1905.11946",
)

# Table 1 of the paper without stem and head: kernel, expansion, features, depth, stride of the first block.
B0 = (
    StageSettings(3, 1, 16, 1, 1),
    StageSettings(3, 6, 24, 2, 2),
    StageSettings(5, 6, 40, 2, 2),
    StageSettings(3, 6, 80, 3, 2),
    StageSettings(5, 6, 112, 3, 1),
    StageSettings(5, 6, 192, 4, 2),
    StageSettings(3, 6, 320, 1, 1),
)
STEM, HEAD = 32, 1280  # features of the first and the last convolution

# Factors of width and depth, image size, the size to which torchvision resizes images before it crops them, the crop
# that timm states for the release's weights, dropout, parameters, multiply-adds.
TABLE = {
    "b0": (1.0, 1.0, 224, 256, 0.875, 0.2, 5_288_548, 385_814_752),
    "b1": (1.0, 1.1, 240, 255, 0.882, 0.2, 7_794_184, 686_802_832),
    "b2": (1.1, 1.2, 288, 288, 0.89, 0.3, 9_109_994, 1_087_529_456),
    "b3": (1.2, 1.4, 300, 320, 0.904, 0.3, 12_233_232, 1_827_141_392),
    "b4": (1.4, 1.8, 380, 384, 0.922, 0.4, 19_341_616, 4_393_771_024),
    "b5": (1.6, 2.2, 456, 456, 0.934, 0.4, 30_389_784, 10_266_384_752),
    "b6": (1.8, 2.6, 528, 528, 0.942, 0.5, 43_040_704, 19_067_593_536),
    "b7": (2.0, 3.1, 600, 600, 0.949, 0.5, 66_347_960, 37_745_884_192),
}
# These have the batch norm constants of the authors' release in torchvision too, the others there those of torch.
RELEASED_NORM = ("b5", "b6", "b7")
# Image sizes of the release that are not torchvision's, with their multiply-adds.
RELEASED_SIZES = {"b2": (260, 993_561_872)}
# Torchvision's; the release divides the fan-out by the groups.
INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=uniform_fan_out)


def scale_stages(
    stages: tuple[StageSettings, ...], width: float, depth: float, least: float = 0.9
) -> tuple[StageSettings, ...]:
    """Compound scaling (section 3.3) of the features and depths of stages, by the factors `width` and `depth`.

    `least` is that of `round_width`.
    """
    return tuple(
        stage._replace(features=round_width(stage.features * width, least=least), depth=math.ceil(stage.depth * depth))
        for stage in stages
    )


class EfficientNet(FoldableNetwork):
    """Tan and Le 2019: a stem, stages of MBConv (`InvertedResidual`) or `FusedMBConv`, a head, one dense layer.

    The default padding is symmetric, as in torchvision. `same_padding` is TensorFlow's, which Google's own weights
    need; their batch norm has an `epsilon` of 1e-3. The rate of stochastic depth grows linearly with the position of
    the block, from 0 to nearly `stochastic_depth`.
    """

    stages: tuple[StageSettings, ...] = B0
    stem: Width = STEM
    head: Width = HEAD
    act: Activation = nn.silu
    squeeze_excite: bool = True
    same_padding: bool = False
    epsilon: Epsilon = 1e-5
    momentum: Momentum = 0.9
    dropout: Probability = 0.2
    stochastic_depth: Probability = 0.2
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        released_norm = partial(batch_norm, epsilon=self.epsilon, momentum=self.momentum)
        norm = self.norm_unless_folded(released_norm, train=train)
        conv = self.conv_blocks(norm)
        mbconv, fused_mbconv = (maybe_remat(block, self.remat) for block in (InvertedResidual, FusedMBConv))

        x = conv(self.stem, 3, 2, padding=self._padding(3), name="stem")(x, train)
        blocks = [(s, i, stage) for s, stage in enumerate(self.stages, 1) for i in range(1, stage.depth + 1)]
        for position, (s, i, stage) in enumerate(blocks):
            channels = x.shape[-1]
            if stage.fused:
                block = partial(fused_mbconv, shortcut=stage.shortcut)
            else:
                block = partial(mbconv, squeeze_excite=self._squeeze_excite(channels))
            x = block(
                expanded=stage.expansion * (channels if stage.shortcut else stage.features),
                features=stage.features,
                kernel_size=stage.kernel,
                stride=stage.stride if i == 1 else 1,
                padding=self._padding(stage.kernel),
                drop_rate=self.stochastic_depth * position / len(blocks),
                conv=conv,
                name=f"block{s}_{i}",
            )(x, train)
        x = conv(self.head, 1, name="head")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")

    def _squeeze_excite(self, channels: int) -> ModuleFactory | None:
        """Squeeze-and-excite with a quarter of the channels that the block gets, not of the expanded ones."""
        if not self.squeeze_excite:
            return None
        init = self.initial_values
        return partial(
            SqueezeExcite,
            max(1, channels // 4),
            act=self.act,
            kernel_init=init.kernel,
            bias_init=init.bias,
            dtype=self.dtype,
        )

    def _padding(self, kernel: int) -> Padding:
        return "SAME" if self.same_padding else kernel // 2


def last_blocks(stages: tuple[StageSettings, ...]) -> tuple[str, ...]:
    """The name of the last block at each resolution."""
    next_strides = (*(stage.stride for stage in stages[1:]), 2)
    return tuple(
        f"block{s}_{stage.depth}"
        for s, (stage, next_stride) in enumerate(zip(stages, next_strides, strict=True), 1)
        if next_stride == 2
    )


def _build(name: str, size: int) -> partial[EfficientNet]:
    width, depth, _, _, _, dropout, *_ = TABLE[name]
    return partial(
        EfficientNet,
        stages=scale_stages(B0, width, depth),
        stem=round_width(STEM * width),
        head=round_width(HEAD * width),
        dropout=dropout,
        image_shape=(size, size, 3),
    )


def _entry(name: str) -> ModelInfo:
    *_, size, resized_to, _, _, parameters, macs = TABLE[name]
    build = _build(name, size)
    differs = ["torchvision's: symmetric padding, where the release pads as TensorFlow"]
    if name in RELEASED_NORM:
        build = partial(build, epsilon=1e-3, momentum=0.99)
    else:
        differs.append("batch norm with torch's constants")
    if name == "b2":
        differs.append("288x288 images instead of 260x260")
    return ModelInfo(
        name=f"efficientnet_{name}",
        build=build,
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(build.keywords["stages"]),
        input_size=size,
        crop=size / resized_to,
        # Torchvision's default weights of B1 are from its own training recipe.
        interpolation="bilinear" if name == "b1" else "bicubic",
        differs=", ".join(differs),
    )


def _released_entry(name: str) -> ModelInfo:
    *_, size, _, crop, _, parameters, macs = TABLE[name]
    size, macs = RELEASED_SIZES.get(name, (size, macs))
    build = _build(name, size)
    return ModelInfo(
        name=f"efficientnet_{name}_tf",
        build=partial(build, same_padding=True, epsilon=1e-3, momentum=0.99, initial_values=GOOGLE),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(build.keywords["stages"]),
        input_size=size,
        crop=crop,
        interpolation="bicubic",
    )


ENTRIES = (*map(_entry, TABLE), *map(_released_entry, TABLE))
