"""HRNet: branches of several resolutions side by side, which exchange their maps again and again."""

from collections.abc import Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, he_normal_fan_out, torch_default, torch_default_bias
from zoo.kernels.dilation import dilated_stages
from zoo.kernels.relu import keeping_output
from zoo.layers import Activation, Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.blocks.residual import ConvSettings, ResidualBlock
from zoo.models.field_types import Depth, Depths, Probability, Width
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat

PAPER = Paper(
    title="Deep High-Resolution Representation Learning for Visual Recognition",
    year=2019,
    url="https://arxiv.org/abs/1908.07919",
)

# Channels of the highest resolution; width and number of the bottlenecks before it; modules of the stages with two,
# three and four resolutions; blocks of a branch; parameters, multiply-adds.
TABLE = {
    "hrnet_w18_small": (16, 32, 1, (1, 1, 1), 2, 13_187_464, 1_601_508_352),
    "hrnet_w18": (18, 64, 4, (1, 4, 3), 4, 21_299_004, 4_283_537_072),
    "hrnet_w32": (32, 64, 4, (1, 4, 3), 4, 41_232_680, 8_921_133_056),
    "hrnet_w48": (48, 64, 4, (1, 4, 3), 4, 77_469_864, 17_277_996_032),
}
STEM_WIDTH = 64
HEAD_WIDTHS = (32, 64, 128, 256)  # of the bottlenecks of the head, one of each resolution
FEATURES = 2048
EXPANSION = 4  # the output features of a bottleneck divided by its width
# As in the release; its convolutions with biases and its linear layer have torch's default.
INITIAL = InitialValues(
    kernel=he_normal_fan_out, bias=torch_default_bias, dense_kernel=torch_default, dense_bias=torch_default_bias
)


class HRNet(FoldableNetwork):
    """Wang et al. 2019, section 3, with the head for classification of its release (HRNet-W-C).

    A stage has one resolution more than the one before it: `modules` are the numbers of `MultiResolutionModule`s in
    those of two, three and more resolutions. Each resolution has half the size of the one before it, and twice its
    channels; the highest, a quarter of the image, has `width` channels. In front there are `first_depth` bottlenecks
    of `first_width`. A branch of a module has `depth` blocks. Where the size of an image is no multiple of the
    smallest resolution's stride, enlarged maps are cut at the end.
    """

    width: Width = 18
    first_width: Width = 64
    first_depth: Depth = 4
    modules: Depths = (1, 4, 3)
    depth: Depth = 4
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        if stages := dilated_stages():
            stages.refuse("its resolutions are side by side")
        conv = self.conv_blocks(self.norm_unless_folded(batch_norm, train=train))
        block = partial(
            ResidualBlock,
            stride=1,
            shortcut="projection",
            conv=conv,
            spatial_conv=conv,
            last_conv=conv,
            act=self.act,
            attention=None,
            stochastic_depth=0.0,
        )
        x = conv(STEM_WIDTH, 3, 2, padding=1, name="conv1")(x, train)
        x = conv(STEM_WIDTH, 3, 2, padding=1, name="conv2")(x, train)
        for i in range(1, self.first_depth + 1):
            x = block(bottleneck(self.first_width), name=f"stage1_{i}")(x, train)
        maps = [x]
        for stage, modules in enumerate(self.modules, start=2):
            maps = self._with_new_resolution(maps, conv, f"transition{stage - 1}", train)
            for i in range(1, modules + 1):
                module = maybe_remat(MultiResolutionModule, self.remat)
                maps = module(self.depth, conv, block, self.act, name=f"stage{stage}_{i}")(maps, train)
        x = self._head(maps, conv, block, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")

    def _with_new_resolution(
        self, maps: Sequence[jax.Array], conv: ModuleFactory, name: str, train: bool
    ) -> list[jax.Array]:
        """The maps of the next stage: with the channels that they should have, and one more, of half the size."""
        kept = [
            m
            if m.shape[-1] == self.width << i
            else conv(self.width << i, 3, padding=1, name=f"{name}_{i + 1}")(m, train)
            for i, m in enumerate(maps)
        ]
        new = conv(self.width << len(maps), 3, 2, padding=1, name=f"{name}_{len(maps) + 1}")
        return [*kept, new(maps[-1], train)]

    def _head(self, maps: Sequence[jax.Array], conv: ModuleFactory, block: ModuleFactory, train: bool) -> jax.Array:
        """[b, h / 32, w / 32, 2048]: more channels of each resolution; each is added to the one of half its size."""
        conv = partial(conv, use_bias=True)
        x = block(bottleneck(HEAD_WIDTHS[0]), name="increase1")(maps[0], train)
        for i, (m, width) in enumerate(zip(maps[1:], HEAD_WIDTHS[1:], strict=True), start=2):
            x = conv(EXPANSION * width, 3, 2, padding=1, name=f"downsample{i}")(x, train)
            x = block(bottleneck(width), name=f"increase{i}")(m, train) + x
        return conv(FEATURES, 1, name="final")(x, train)


class MultiResolutionModule(nn.Module):
    """Blocks in the branch of each resolution, then each output is the sum of all branches at its resolution.

    Wang et al. 2019, Figures 2 and 3: lists of [b, h, w, c], [b, h / 2, w / 2, 2 c] and so on to the same. A branch of
    higher resolution is reduced by 3x3 convolutions with stride 2, one of lower resolution by a 1x1 convolution and
    repetition. Children: `branch{i}_{k}`; `fuse{j}_{i}` from branch j to a higher resolution, `fuse{j}_{i}_{k}` to a
    lower one.
    """

    depth: int
    conv: ModuleFactory
    block: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, maps: Sequence[jax.Array], train: bool = False) -> list[jax.Array]:
        branches = [self._branch(m, i, train) for i, m in enumerate(maps, start=1)]
        return [keeping_output(self.act)(self._fused(branches, i, train)) for i in range(len(branches))]

    def _fused(self, branches: list[jax.Array], target: int, train: bool) -> jax.Array:
        first, *others = (self._resampled(branches, source, target, train) for source in range(len(branches)))
        return sum(others, first)

    def _branch(self, x: jax.Array, i: int, train: bool) -> jax.Array:
        for k in range(1, self.depth + 1):
            x = self.block(basic(x.shape[-1]), name=f"branch{i}_{k}")(x, train)
        return x

    def _resampled(self, maps: Sequence[jax.Array], source: int, target: int, train: bool) -> jax.Array:
        """The map of one branch with the shape of another's."""
        x, features = maps[source], maps[target].shape[-1]
        name = f"fuse{source + 1}_{target + 1}"
        if source > target:
            x = self.conv(features, 1, act=None, name=name)(x, train)
            return repeated(x, 1 << (source - target), maps[target].shape)
        for k in range(1, target - source + 1):
            last = k == target - source
            conv = self.conv(
                features if last else x.shape[-1],
                3,
                2,
                padding=1,
                act=None if last else self.act,
                name=f"{name}_{k}",
            )
            x = conv(x, train)
        return x


def basic(width: int) -> tuple[ConvSettings, ...]:
    """The residual branch of two 3x3 convolutions."""
    return ConvSettings(width, 3), ConvSettings(width, 3)


def bottleneck(width: int) -> tuple[ConvSettings, ...]:
    """The residual branch of a 3x3 convolution between two of 1x1."""
    return ConvSettings(width, 1), ConvSettings(width, 3), ConvSettings(EXPANSION * width, 1)


def repeated(x: jax.Array, factor: int, shape: tuple[int, ...]) -> jax.Array:
    """Each position of x [b, h, w, c] `factor` times along both axes, cut to the height and width of `shape`."""
    for axis in (1, 2):
        x = jnp.repeat(x, factor, axis=axis)
    return x[:, : shape[1], : shape[2]]


def _entry(name: str) -> ModelInfo:
    width, first_width, first_depth, modules, depth, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(
            HRNet, width=width, first_width=first_width, first_depth=first_depth, modules=modules, depth=depth
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=0.95 if name == "hrnet_w18" else 0.875,
        interpolation="bicubic" if name == "hrnet_w18_small" else "bilinear",
        stages=("conv1", "increase1", "increase2", "increase3", "increase4"),
    )


ENTRIES = tuple(map(_entry, TABLE))
