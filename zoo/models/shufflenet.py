"""ShuffleNet V2: a unit changes half of the channels, and a channel shuffle mixes the two halves."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import TORCH_DEFAULT, InitialValues
from zoo.layers import ModuleFactory, batch_norm, global_avg_pool, max_pool
from zoo.models.field_types import Width
from zoo.models.network import TORCHVISION_V2_CROP, FoldableNetwork, ModelInfo, Paper

PAPER = Paper(
    title="ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    year=2018,
    url="https://arxiv.org/abs/1807.11164",
)

STEM = 24  # features of conv1
DEPTHS = (4, 8, 4)

# Table 5 of the paper: features of stages 2 to 4 and of conv5; then parameters and multiply-adds.
TABLE = {
    "shufflenet_v2_x0_5": ((48, 96, 192, 1024), 1_366_792, 40_476_448),
    "shufflenet_v2_x1_0": ((116, 232, 464, 1024), 2_278_604, 144_907_992),
    "shufflenet_v2_x1_5": ((176, 352, 704, 1024), 3_503_624, 295_759_392),
    "shufflenet_v2_x2_0": ((244, 488, 976, 2048), 7_393_996, 583_253_464),
}
# Torchvision trained these with its second recipe.
SECOND_RECIPE = ("shufflenet_v2_x1_5", "shufflenet_v2_x2_0")


class ShuffleNetV2(FoldableNetwork):
    """Ma et al. 2018, Table 5: conv1, a pool, three stages of units, conv5."""

    widths: tuple[Width, Width, Width, Width] = (116, 232, 464, 1024)
    initial_values: InitialValues = TORCH_DEFAULT  # as torchvision's

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm, train=train)
        conv = self.conv_blocks(norm)
        x = conv(STEM, 3, 2, padding=1, name="conv1")(x, train)
        x = max_pool(x, 3, 2, padding=1)
        for stage, (depth, width) in enumerate(zip(DEPTHS, self.widths[:3], strict=True), start=2):
            x = DownsamplingUnit(width, conv, name=f"stage{stage}_1")(x, train)
            for i in range(2, depth + 1):
                x = Unit(conv, name=f"stage{stage}_{i}")(x, train)
        x = conv(self.widths[3], 1, name="conv5")(x, train)
        return self.classify(global_avg_pool(x), "fc")


class Unit(nn.Module):
    """Figure 3(c): one half of the channels is unchanged, the other half is the input of `RightBranch`."""

    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        left, right = jnp.split(x, 2, axis=-1)
        right = RightBranch(right.shape[-1], 1, self.conv, name="branch2")(right, train)
        return channel_shuffle(jnp.concatenate([left, right], axis=-1), 2)


class DownsamplingUnit(nn.Module):
    """Figure 3(d): halves the resolution; all channels are the input of both branches."""

    features: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        left = LeftBranch(self.features // 2, self.conv, name="branch1")(x, train)
        right = RightBranch(self.features // 2, 2, self.conv, name="branch2")(x, train)
        return channel_shuffle(jnp.concatenate([left, right], axis=-1), 2)


class RightBranch(nn.Module):
    """1x1 convolution, depthwise 3x3 without activation, 1x1 convolution."""

    features: int
    stride: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        x = self.conv(self.features, 1, name="pointwise1")(x, train)
        depthwise = partial(self.conv, padding=1, groups=self.features, act=None, name="depthwise")
        x = depthwise(self.features, 3, self.stride)(x, train)
        return self.conv(self.features, 1, name="pointwise2")(x, train)


class LeftBranch(nn.Module):
    """Depthwise 3x3 with stride 2 and without activation, 1x1 convolution."""

    features: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        channels = x.shape[-1]
        depthwise = partial(self.conv, padding=1, groups=channels, act=None, name="depthwise")
        x = depthwise(channels, 3, stride=2)(x, train)
        return self.conv(self.features, 1, name="pointwise")(x, train)


@jax.named_scope("channel_shuffle")
def channel_shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Interleaves the channels of `groups` groups: Zhang et al., arXiv:1707.01083, section 3.1."""
    grouped = x.reshape(*x.shape[:-1], groups, -1)
    return grouped.swapaxes(-1, -2).reshape(x.shape)


def _entry(name: str) -> ModelInfo:
    widths, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(ShuffleNetV2, widths=widths),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=TORCHVISION_V2_CROP if name in SECOND_RECIPE else 0.875,
        stages=("conv1", "stage2_4", "stage3_8", "conv5"),
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
