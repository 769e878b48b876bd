"""Dual path networks: of the channels some are added to, as in ResNet, and others concatenated, as in DenseNet."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, LayerInitializer, torch_default, torch_default_bias
from zoo.layers import Activation, Conv, ModuleFactory, batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.residual import last_blocks
from zoo.models.field_types import Depths, Groups, Width, Widths, Window
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat

PAPER = Paper(title="Dual Path Networks", year=2017, url="https://arxiv.org/abs/1707.01629")

INITIAL = InitialValues(kernel=torch_default, dense_kernel=torch_default, dense_bias=torch_default_bias)  # timm's
# The release's preprocessing.
MEAN = (124 / 255, 117 / 255, 104 / 255)
STD = (1 / (0.0167 * 255),) * 3

# Window and width of the stem; of conv2_x, the widths of the 3x3 convolution and of the residual path; groups; depths
# and growth of the dense path per stage; parameters, multiply-adds.
TABLE = {
    "dpn68": (3, 10, 128, 64, 32, (3, 4, 12, 3), (16, 32, 32, 64), 12_611_602, 2_326_163_456),
    "dpn92": (7, 64, 96, 256, 32, (3, 4, 20, 3), (16, 32, 24, 128), 37_668_392, 6_501_684_224),
    "dpn98": (7, 96, 160, 256, 40, (3, 6, 20, 3), (16, 32, 32, 128), 61_570_728, 11_671_217_152),
    "dpn107": (7, 128, 200, 256, 50, (4, 8, 20, 3), (20, 64, 64, 128), 86_917_800, 18_298_764_288),
    "dpn131": (7, 128, 160, 256, 40, (4, 8, 28, 3), (16, 32, 32, 128), 79_254_504, 16_013_648_896),
}


class DPN(Network, kw_only=True):
    """Chen et al. 2017, Table 1; DPN-68 is the release's, with a 3x3 convolution as its stem.

    `inner` and `residual` are the widths of the 3x3 convolution and of the residual path in the first stage, which
    double in each further one.
    """

    stem_kernel: Window = 7
    stem_width: Width
    inner: Width
    residual: Width
    groups: Groups
    depths: Depths
    growths: Widths
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = partial(batch_norm, epsilon=1e-3)
        stem = partial(self.conv_blocks(norm), padding=self.stem_kernel // 2, name="conv1")
        x = max_pool(stem(self.stem_width, self.stem_kernel, 2)(x, train), 3, 2, padding=1)
        conv = partial(ActivatedConv, norm=norm, act=self.act, kernel_init=self.initial_values.kernel, dtype=self.dtype)
        block = partial(maybe_remat(DualPathBlock, self.remat), groups=self.groups, conv=conv)
        for stage, (depth, growth) in enumerate(zip(self.depths, self.growths, strict=True)):
            inner, residual = self.inner * 2**stage, self.residual * 2**stage
            for i in range(1, depth + 1):
                stride = 2 if stage > 0 and i == 1 else 1
                x = block(inner, residual, growth, stride, i == 1, name=f"conv{stage + 2}_{i}")(x, train)
        x = self.act(norm(train=train, dtype=self.dtype, name="bn")(x))
        return self.classify(global_avg_pool(x), "fc")


class DualPathBlock(nn.Module):
    """A bottleneck: `residual` channels of its output are added to the first ones of x, `growth` more are appended.

    Figure 2(d); the paths are one array. The `first` block of a stage projects x to both. Children: `conv1` to `conv3`,
    `project`.
    """

    inner: int
    residual: int
    growth: int
    stride: int
    first: bool
    groups: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = self.conv(self.inner, 1, name="conv1")(x, train)
        y = self.conv(self.inner, 3, self.stride, padding=1, groups=self.groups, name="conv2")(y, train)
        y = self.conv(self.residual + self.growth, 1, name="conv3")(y, train)
        if self.first:
            x = self.conv(self.residual + 2 * self.growth, 1, self.stride, name="project")(x, train)
        (sums, dense), (added, new) = (jnp.split(paths, [self.residual], axis=-1) for paths in (x, y))
        return jnp.concatenate([sums + added, dense, new], axis=-1)


class ActivatedConv(nn.Module):
    """A norm, an activation, then a convolution without bias. Children: `bn`, `conv`."""

    features: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    norm: ModuleFactory = batch_norm
    act: Activation = nn.relu
    kernel_init: LayerInitializer = torch_default
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        x = self.act(self.norm(train=train, dtype=self.dtype, name="bn")(x))
        conv = partial(Conv, groups=self.groups, use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
        return conv(self.features, self.kernel_size, self.stride, self.padding, name="conv")(x)


def _entry(name: str) -> ModelInfo:
    stem_kernel, stem_width, inner, residual, groups, depths, growths, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(
            DPN,
            stem_kernel=stem_kernel,
            stem_width=stem_width,
            inner=inner,
            residual=residual,
            groups=groups,
            depths=depths,
            growths=growths,
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(depths),
        mean=MEAN,
        std=STD,
        interpolation="bicubic",
    )


ENTRIES = tuple(map(_entry, TABLE))
