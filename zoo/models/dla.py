"""Deep layer aggregation: the outputs of blocks are the leaves of trees, whose roots join them."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.initializers import InitialValues, he_normal_fan_out, torch_default_bias
from zoo.kernels.relu import keeping_output
from zoo.layers import Activation, ModuleFactory, batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.residual import ConvSettings, ResidualBlock
from zoo.models.field_types import TreeDepths, Widths
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat

PAPER = Paper(title="Deep Layer Aggregation", year=2017, url="https://arxiv.org/abs/1707.06484")

# The release's and timm's.
INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=he_normal_fan_out, dense_bias=torch_default_bias)

WIDTHS = (16, 32, 128, 256, 512, 1024)
# Depths of the trees, widths of all levels, bottlenecks, residual roots; parameters, multiply-adds.
TABLE = {
    "dla34": ((1, 2, 2, 1), (16, 32, 64, 128, 256, 512), False, False, 15_742_104, 3_060_043_776),
    "dla60": ((1, 2, 3, 1), WIDTHS, True, False, 22_036_632, 4_235_878_400),
    "dla102": ((1, 3, 4, 1), WIDTHS, True, True, 33_268_888, 7_164_551_168),
}


class DLA(FoldableNetwork):
    """Yu et al. 2017, section 4.1 and Table 1: two convolutions at each of two resolutions, then trees.

    `depths` are those of the trees, each of which halves the resolution; `widths` are those of the first two levels
    and the trees. With `residual_root` the roots of the trees are residual.
    """

    depths: TreeDepths = (1, 2, 3, 1)
    widths: Widths = WIDTHS
    bottleneck: bool = True
    residual_root: bool = False
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        if len(self.widths) != len(self.depths) + 2:
            raise ZooError(
                f"depths={self.depths} and widths={self.widths}: give two widths more than depths, those of the levels "
                "before the trees"
            )
        conv = self.conv_blocks(self.norm_unless_folded(batch_norm, train=train))
        block = partial(
            maybe_remat(ResidualBlock, self.remat),
            shortcut="projection",
            conv=conv,
            spatial_conv=conv,
            last_conv=conv,
            act=self.act,
            attention=None,
            stochastic_depth=0.0,
        )
        first, second, *widths = self.widths
        x = conv(first, 7, padding=3, name="stem")(x, train)
        x = conv(first, 3, padding=1, name="level0")(x, train)
        x = conv(second, 3, 2, padding=1, name="level1")(x, train)
        for i, (depth, width) in enumerate(zip(self.depths, widths, strict=True), start=2):
            tree = Tree(
                depth=depth,
                features=width,
                stride=2,
                joins_input=i > 2,
                bottleneck=self.bottleneck,
                residual_root=self.residual_root,
                block=block,
                conv=conv,
                act=self.act,
                name=f"level{i}",
            )
            x = tree(x, train)
        return self.classify(global_avg_pool(x), "fc")


class Tree(nn.Module):
    """A tree of 2 ** depth blocks, Figure 3(f): [b, h, w, c] to [b, h / stride, w / stride, features].

    The root joins both branches and the `joined` maps; with `joins_input`, the pooled input too. Children: `tree1` and
    `tree2`, which are trees or blocks; `root` and, where the input has other channels, `project` of the lowest tree.
    """

    depth: int
    features: int
    stride: int
    joins_input: bool
    bottleneck: bool
    residual_root: bool
    block: ModuleFactory
    conv: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False, joined: tuple[jax.Array, ...] = ()) -> jax.Array:
        pooled = max_pool(x, self.stride) if self.stride > 1 else x
        if self.joins_input:
            joined = (*joined, pooled)
        if self.depth > 1:
            subtree = partial(
                Tree,
                depth=self.depth - 1,
                features=self.features,
                joins_input=False,
                bottleneck=self.bottleneck,
                residual_root=self.residual_root,
                block=self.block,
                conv=self.conv,
                act=self.act,
            )
            x = subtree(stride=self.stride, name="tree1")(x, train)
            return subtree(stride=1, name="tree2")(x, train, (*joined, x))
        if x.shape[-1] != self.features:
            pooled = self.conv(self.features, 1, act=None, name="project")(pooled, train)
        first = self._block(self.stride, "tree1")(x, train, pooled)
        last = self._block(1, "tree2")(first, train)
        y = jnp.concatenate([last, first, *joined], axis=-1)
        y = self.conv(self.features, 1, act=None, name="root")(y, train)
        return keeping_output(self.act)(y + last) if self.residual_root else self.act(y)

    def _block(self, stride: int, name: str) -> nn.Module:
        features = self.features
        branch: tuple[ConvSettings, ...] = (ConvSettings(features, 3, stride), ConvSettings(features, 3))
        if self.bottleneck:
            inner = features // 2
            branch = (ConvSettings(inner, 1), ConvSettings(inner, 3, stride), ConvSettings(features, 1))
        return self.block(branch=branch, stride=stride, name=name)


def _entry(name: str) -> ModelInfo:
    depths, widths, bottleneck, residual_root, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(DLA, depths=depths, widths=widths, bottleneck=bottleneck, residual_root=residual_root),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=tuple(f"level{i}" for i in range(len(widths))),
    )


ENTRIES = tuple(map(_entry, TABLE))
