"""RegNetZ: inverted bottlenecks with grouped convolutions and squeeze-and-excitation."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, Normal, he_normal_group_fan_out, zeros
from zoo.layers import Activation, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.blocks.inverted_residual import InvertedResidual, StageSettings
from zoo.models.blocks.round_width import round_width
from zoo.models.field_types import Probability, Width, Widths
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat

PAPER = Paper(title="Fast and Accurate Model Scaling", year=2021, url="https://arxiv.org/abs/2103.06877")

INITIAL = InitialValues(kernel=he_normal_group_fan_out, dense_kernel=Normal(0.01))  # timm's

# Timm's sizes: the features and depths of the stages, the widths of the stem and of the last convolution.
SMALL = ((48, 96, 192, 288), (2, 6, 12, 2), (32,), 1536)
LARGE = ((64, 128, 256, 384), (3, 6, 12, 3), (24, 32, 64), 1792)
# Size, width of a group, expansion, image size, crop, parameters, multiply-adds.
TABLE = {
    "regnetz_b16": (SMALL, 16, 3, 224, 0.94, 9_715_480, 1_430_203_392),
    "regnetz_c16": (SMALL, 16, 4, 256, 0.94, 13_459_880, 2_475_491_328),
    "regnetz_d8": (LARGE, 8, 4, 256, 0.94, 23_373_792, 3_919_534_080),
    "regnetz_d32": (LARGE, 32, 4, 256, 0.95, 27_576_288, 5_929_654_272),
}


class RegNetZ(FoldableNetwork, kw_only=True):
    """Dollar et al. 2021, section 6, with timm's sizes: a stem, stages of inverted residuals, one more convolution.

    The `stem` has the widths of its 3x3 convolutions: one with stride 2 or, of several, the first and the last.
    """

    stages: tuple[StageSettings, ...]
    group_width: Width
    stem: Widths
    head: Width
    act: Activation = nn.silu
    stochastic_depth: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm, train=train)
        conv = self.conv_blocks(norm)
        # A block that has a shortcut is the identity at first.
        last_conv = partial(conv, norm=partial(norm, scale_init=zeros)) if norm else conv
        init = self.initial_values
        gate = partial(SqueezeExcite, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype)
        for i, width in enumerate(self.stem, start=1):
            x = conv(width, 3, 2 if i in (1, len(self.stem)) else 1, padding=1, name=f"stem{i}")(x, train)
        blocks = [(s, i, stage) for s, stage in enumerate(self.stages, 1) for i in range(1, stage.depth + 1)]
        for position, (s, i, stage) in enumerate(blocks):
            channels, stride = x.shape[-1], stage.stride if i == 1 else 1
            block = maybe_remat(InvertedResidual, self.remat)(
                expanded=stage.expansion * channels,
                features=stage.features,
                kernel_size=stage.kernel,
                stride=stride,
                conv=conv,
                # Of the expanded channels; its activation is a ReLU.
                squeeze_excite=partial(gate, round_width(stage.expansion * channels / 4)),
                drop_rate=self.stochastic_depth * position / max(len(blocks) - 1, 1),
                group_width=self.group_width,
                project=last_conv if (stride, stage.features) == (1, channels) else conv,
                name=f"block{s}_{i}",
            )
            x = block(x, train)
        x = conv(self.head, 1, name="head")(x, train)
        return self.classify(global_avg_pool(x), "fc")


def _entry(name: str) -> ModelInfo:
    (widths, depths, stem, head), group_width, expansion, size, crop, parameters, macs = TABLE[name]
    strides = (2 if len(stem) == 1 else 1, 2, 2, 2)
    stages = tuple(
        StageSettings(3, expansion, width, depth, stride)
        for width, depth, stride in zip(widths, depths, strides, strict=True)
    )
    return ModelInfo(
        name=name,
        build=partial(
            RegNetZ, stages=stages, group_width=group_width, stem=stem, head=head, image_shape=(size, size, 3)
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=(
            f"stem{max(1, len(stem) - 1)}",
            *(f"block{stage}_{depth}" for stage, depth in enumerate(depths[:-1], start=1)),
            "head",
        ),
        input_size=size,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=crop,
        interpolation="bicubic",
        differs="timm's: other widths and depths",
    )


ENTRIES = tuple(map(_entry, TABLE))
