"""Darknet and cross stage partial networks, whose blocks compute with a half of a stage's channels."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal, he_normal_fan_out, zeros
from zoo.layers import Activation, ModuleFactory, batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.residual import ConvSettings, ResidualBlock
from zoo.models.field_types import Groups
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat
from zoo.runtime.record_types import ImageShape

CSPNET = Paper(
    title="CSPNet: A New Backbone that can Enhance Learning Capability of CNN",
    year=2019,
    url="https://arxiv.org/abs/1911.11929",
)
YOLO_V3 = Paper(title="YOLOv3: An Incremental Improvement", year=2018, url="https://arxiv.org/abs/1804.02767")

INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=Normal(0.01))  # timm's


class CrossStageSettings(NamedTuple):
    """A stage of `depth` blocks that have `width` channels outside and `bottleneck` inside, and its output's features.

    Both halves of a cross stage have half of the `expanded` channels; without, all channels go through the blocks.
    """

    depth: int
    features: int
    stride: int
    width: int
    bottleneck: int
    expanded: int = 0


RESNET = tuple(
    CrossStageSettings(depth, features, stride, features, features // 2, 2 * features)
    for depth, features, stride in ((3, 128, 1), (3, 256, 2), (5, 512, 2), (2, 1024, 2))
)
RESNEXT = tuple(
    CrossStageSettings(depth, features, stride, features // 2, features // 2, features)
    for depth, features, stride in ((3, 256, 1), (3, 512, 2), (5, 1024, 2), (2, 2048, 2))
)
DARKNET = tuple(
    CrossStageSettings(depth, features, 2, features, features // 2)
    for depth, features in ((1, 64), (2, 128), (8, 256), (8, 512), (4, 1024))
)
CSP_DARKNET = (
    DARKNET[0]._replace(expanded=128),
    *(stage._replace(width=stage.features // 2, expanded=stage.features) for stage in DARKNET[1:]),
)

# Stages, whether they are Darknet's, groups; paper, parameters, multiply-adds.
TABLE = {
    "cspresnet50": (RESNET, False, 1, CSPNET, 21_616_168, 4_517_240_832),
    "cspresnext50": (RESNEXT, False, 32, CSPNET, 20_569_896, 4_014_948_352),
    "cspdarknet53": (CSP_DARKNET, True, 1, CSPNET, 27_642_184, 6_533_652_480),
    "darknet53": (DARKNET, True, 1, YOLO_V3, 41_609_928, 9_285_115_904),
}


class CSPNet(FoldableNetwork, kw_only=True):
    """Wang et al. 2019: a stem and cross stages of the blocks of ResNet or, with `darknet`, of Darknet.

    Darknet's stem is a 3x3 convolution (Redmon and Farhadi 2018, Table 1), ResNet's has a stride of 4. Darknet's blocks
    have two convolutions, and their activation precedes the sum.
    """

    stages: tuple[CrossStageSettings, ...]
    darknet: bool = False
    groups: Groups = 1
    act: Activation = nn.leaky_relu
    image_shape: ImageShape = (256, 256, 3)
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm, train=train)
        conv = self.conv_blocks(norm)
        block = partial(
            maybe_remat(ResidualBlock, self.remat),
            stride=1,
            shortcut="projection",
            conv=conv,
            spatial_conv=conv,
            # A block is the identity at first.
            last_conv=partial(conv, norm=partial(norm, scale_init=zeros)) if norm else conv,
            act=self.act,
            attention=None,
            stochastic_depth=0.0,
            act_before_sum=self.darknet,
        )
        if self.darknet:
            x = conv(32, 3, padding=1, name="stem")(x, train)
        else:
            x = max_pool(conv(64, 7, 2, padding=3, name="stem")(x, train), 3, 2, padding=1)
        for i, settings in enumerate(self.stages, start=1):
            stage = CrossStage(settings, self.darknet, self.groups, conv, block, self.act, name=f"stage{i}")
            x = stage(x, train)
        return self.classify(global_avg_pool(x), "fc")


class CrossStage(nn.Module):
    """Figure 2(b): blocks for one half of the channels, beside which the other half is passed on.

    Children: `downsample` if there is a stride, `expand`, `block1` and so on, `transition_blocks` after the blocks and
    `transition` after both halves.
    """

    settings: CrossStageSettings
    darknet: bool
    groups: int
    conv: ModuleFactory
    block: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        stage, conv = self.settings, self.conv
        if stage.stride > 1:
            width = stage.features if self.darknet else x.shape[-1]
            x = conv(width, 3, stage.stride, padding=1, groups=self.groups, name="downsample")(x, train)
        if not stage.expanded:
            return self._blocks(x, train)
        x = conv(stage.expanded, 1, act=self.act if self.darknet else None, name="expand")(x, train)
        passed, x = jnp.split(x, 2, axis=-1)
        x = conv(stage.expanded // 2, 1, name="transition_blocks")(self._blocks(x, train), train)
        return conv(stage.features, 1, name="transition")(jnp.concatenate([passed, x], axis=-1), train)

    def _blocks(self, x: jax.Array, train: bool) -> jax.Array:
        stage, groups = self.settings, self.groups
        branch = (ConvSettings(stage.bottleneck, 1), ConvSettings(stage.bottleneck, 3, groups=groups))
        last = ConvSettings(stage.width, 3, groups=groups) if self.darknet else ConvSettings(stage.width, 1)
        for i in range(1, stage.depth + 1):
            x = self.block(branch=(*branch[: 1 if self.darknet else 2], last), name=f"block{i}")(x, train)
        return x


def _entry(name: str) -> ModelInfo:
    stages, darknet, groups, paper, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(CSPNet, stages=stages, darknet=darknet, groups=groups),
        paper=paper,
        parameters=parameters,
        macs=macs,
        stages=("stem", *(f"stage{i}" for i in range(1, len(stages) + 1))),
        input_size=256,
        crop=0.887,
        interpolation="bicubic" if paper is YOLO_V3 else "bilinear",
        differs="timm's: one convolution before both halves of a stage" if paper is CSPNET else "",
    )


ENTRIES = tuple(map(_entry, TABLE))
