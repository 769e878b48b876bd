"""PyramidNet: the number of channels grows a little in every block, and shortcuts have no parameters."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, he_normal, torch_default, torch_default_bias
from zoo.layers import Activation, Conv, ModuleFactory, avg_pool, batch_norm, global_avg_pool, stochastic_depth
from zoo.models.blocks.padded_shortcut import padded_shortcut
from zoo.models.blocks.residual import block_settings, last_blocks
from zoo.models.cifar_record import cifar_record
from zoo.models.field_types import Depths, Probability, Width
from zoo.models.network import ModelInfo, Network, Paper, maybe_remat

PAPER = Paper(title="Deep Pyramidal Residual Networks", year=2016, url="https://arxiv.org/abs/1610.02915")

# As pytorchcv's: He's with the fan-in; torch's default of the linear layer.
INITIAL = InitialValues(kernel=he_normal, dense_kernel=torch_default, dense_bias=torch_default_bias)

# Table 4 of the paper: blocks per stage, widening factor alpha, parameters, multiply-adds.
TABLE = {"pyramidnet110_48": (18, 48, 1_772_706, 403_813_504)}


class PyramidNet(Network):
    """Han et al. 2016, Table 1 and Figure 6(d), with blocks of two 3x3 convolutions, for small images.

    Each block has `widening` / (number of blocks) more channels than the one before it, from `stem_width`, rounded. The
    rate of stochastic depth grows linearly from 0 in the first block to `stochastic_depth` in the last.
    """

    depths: Depths = (18, 18, 18)
    widening: Width = 48
    stem_width: Width = 16
    stochastic_depth: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = partial(Conv, use_bias=False, kernel_init=self.initial_values.kernel, dtype=self.dtype)
        norm = partial(batch_norm, dtype=self.dtype)
        x = norm(train=train, name="bn1")(conv(self.stem_width, 3, padding=1, name="conv1")(x))
        widths = (self.stem_width,) * len(self.depths)
        for position, settings in enumerate(block_settings(self.depths, widths, self.stochastic_depth), start=1):
            block = maybe_remat(PyramidBlock, self.remat)(
                features=round(settings.width + position * self.widening / sum(self.depths)),
                stride=settings.stride,
                conv=conv,
                norm=norm,
                act=self.act,
                stochastic_depth=settings.drop_rate,
                name=settings.name,
            )
            x = block(x, train)
        x = global_avg_pool(self.act(norm(train=train, name="bn")(x)))
        return self.classify(x, "fc")


class PyramidBlock(nn.Module):
    """Norm, 3x3 convolution, norm, activation, 3x3 convolution, norm, plus the input with zeros as further channels."""

    features: int
    stride: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    stochastic_depth: float

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = self.norm(train=train, name="bn1")(x)
        y = self.conv(self.features, 3, self.stride, padding=1, name="conv1")(y)
        y = self.act(self.norm(train=train, name="bn2")(y))
        y = self.conv(self.features, 3, padding=1, name="conv2")(y)
        y = stochastic_depth(self.stochastic_depth, train=train)(self.norm(train=train, name="bn3")(y))
        x = avg_pool(x, 2, self.stride, ceil_mode=True) if self.stride > 1 else x
        return y + padded_shortcut(x, self.features, 1)


def _entry(name: str) -> ModelInfo:
    depth, widening, parameters, macs = TABLE[name]
    depths = (depth,) * 3
    return cifar_record(
        name,
        partial(PyramidNet, depths=depths, widening=widening),
        PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(depths)[1:],  # the first stage has the resolution of the stem
    )


ENTRIES = tuple(map(_entry, TABLE))
