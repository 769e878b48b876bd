"""DenseNet: the input of a layer is the outputs of all earlier layers of its block."""

from dataclasses import replace
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import KERAS_DEFAULT, InitialValues, he_normal, torch_default
from zoo.layers import (
    Activation,
    Conv,
    ConvBlock,
    Dropout,
    ModuleFactory,
    avg_pool,
    batch_norm,
    global_avg_pool,
    max_pool,
)
from zoo.models.cifar_record import cifar_record
from zoo.models.field_types import Depths, Fraction, Probability, Width
from zoo.models.network import MapLayer, ModelInfo, Network, Paper, activated, maybe_remat

PAPER = Paper(title="Densely Connected Convolutional Networks", year=2016, url="https://arxiv.org/abs/1608.06993")

# Layers of the four dense blocks (Table 1 of the paper), growth rate, parameters, multiply-adds.
TABLE = {
    "densenet121": ((6, 12, 24, 16), 32, 7_978_856, 2_834_161_664),
    "densenet161": ((6, 12, 36, 24), 48, 28_681_000, 7_727_907_072),
    "densenet169": ((6, 12, 32, 32), 32, 14_149_480, 3_359_843_328),
    "densenet201": ((6, 12, 48, 32), 32, 20_013_928, 4_291_365_888),
}

BOTTLENECK = 4  # the width of the 1x1 convolutions divided by the growth rate (section 3, DenseNet-B)
COMPRESSION = 0.5  # the fraction of the channels that a transition keeps (section 3, DenseNet-C)

# For CIFAR: layers of each of three dense blocks, growth rate, bottlenecks, parameters, multiply-adds.
CIFAR_TABLE = {
    "densenet_40_12": (12, 12, False, 599_050, 205_906_452),
    "densenet_bc_100_12": (16, 12, True, 769_162, 287_929_692),
}

# Torchvision, as the authors' release: torch's default of the linear layer, but without a bias.
INITIAL = InitialValues(kernel=he_normal, dense_kernel=torch_default)

STAGES = ("conv1", "dense_block1", "dense_block2", "dense_block3", "dense_block4")


class DenseNet(Network):
    """Huang et al. 2016, section 3, DenseNet-BC: dense blocks with transitions between them.

    The stem has `stem_width` channels, by default twice as many as the `growth` rate. With `small_images` it is the
    paper's for CIFAR: a 3x3 convolution with stride 1, without norm and pool. Without `bottleneck` a layer is the 3x3
    convolution alone; `compression` is the fraction of the channels that a transition keeps. `dropout` follows each 3x3
    convolution, as in the paper for small data sets. `norm` makes the batch normalisations.
    """

    depths: Depths = (6, 12, 24, 16)
    growth: Width = 32
    stem_width: Width | None = None
    bottleneck: bool = True
    compression: Fraction = COMPRESSION
    small_images: bool = False
    norm: ModuleFactory = batch_norm
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        kernel_init = self.initial_values.kernel
        conv = partial(Conv, use_bias=False, kernel_init=kernel_init, dtype=self.dtype)
        stem_width = self.stem_width or 2 * self.growth
        if self.small_images:
            x = conv(stem_width, 3, padding=1, name="conv1")(x)
        else:
            stem = partial(ConvBlock, norm=self.norm, act=self.act, kernel_init=kernel_init, dtype=self.dtype)
            x = stem(stem_width, 7, 2, padding=3, name="conv1")(x, train)
            x = max_pool(x, 3, 2, padding=1)
        for stage, depth in enumerate(self.depths, start=1):
            block = DenseBlock(
                depth=depth,
                growth=self.growth,
                bottleneck=self.bottleneck,
                dropout=self.dropout,
                remat=self.remat,
                conv=conv,
                norm=self.norm,
                act=self.act,
                dtype=self.dtype,
                name=f"dense_block{stage}",
            )
            x = block(x, train)
            if stage < len(self.depths):
                features = int(self.compression * x.shape[-1])
                x = Transition(features, conv, self.norm, self.act, self.dtype, name=f"transition{stage}")(x, train)
        x = self.act(self.norm(train=train, dtype=self.dtype, name="bn")(x))
        return self.classify(global_avg_pool(x), "fc")


class DenseBlock(nn.Module):
    """`depth` layers; the output of each is concatenated with its input along the channels.

    [b, h, w, c] to [b, h, w, c + depth * growth]. Children: `layer1`, `layer2`, ...
    """

    depth: int
    growth: int
    bottleneck: bool
    dropout: float
    remat: bool
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        layer = partial(
            maybe_remat(DenseLayer, self.remat),
            growth=self.growth,
            bottleneck=self.bottleneck,
            dropout=self.dropout,
            conv=self.conv,
            norm=self.norm,
            act=self.act,
            dtype=self.dtype,
        )
        for i in range(1, self.depth + 1):
            x = jnp.concatenate([x, layer(name=f"layer{i}")(x, train)], axis=-1)
        return x


class DenseLayer(nn.Module):
    """Norm, activation, 1x1 convolution (with `bottleneck`); norm, activation, 3x3 convolution to `growth` channels."""

    growth: int
    bottleneck: bool
    dropout: float
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        norm = partial(self.norm, train=train, dtype=self.dtype)
        if self.bottleneck:
            x = self.conv(BOTTLENECK * self.growth, 1, name="conv1")(self.act(norm(name="bn1")(x)))
        x = self.conv(self.growth, 3, padding=1, name="conv2")(self.act(norm(name="bn2")(x)))
        return Dropout(self.dropout, deterministic=not train, name="dropout")(x)


class Transition(nn.Module):
    """Norm, activation, 1x1 convolution to `features` channels, 2x2 average pool."""

    features: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        x = self.act(self.norm(train=train, dtype=self.dtype, name="bn")(x))
        return avg_pool(self.conv(self.features, 1, name="conv")(x), 2)


def _entry(name: str) -> ModelInfo:
    depths, growth, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(DenseNet, depths=depths, growth=growth),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=STAGES,
        pyramid=(*STAGES[:-1], MapLayer("bn", activated)),
    )


def _cifar_entry(name: str) -> ModelInfo:
    depth, growth, bottleneck, parameters, macs = CIFAR_TABLE[name]
    return cifar_record(
        name,
        partial(DenseNet, depths=(depth,) * 3, growth=growth, bottleneck=bottleneck, small_images=True),
        PAPER,
        parameters=parameters,
        macs=macs,
        stages=STAGES[1:-1],  # the first block has the resolution of the stem
        differs="" if bottleneck else "pytorchcv's: transitions halve the channels, and the stem has 24, not 16",
    )


def _keras_entry(name: str) -> ModelInfo:
    info = _entry(name)
    norm = partial(batch_norm, epsilon=1.001e-5, momentum=0.99)
    return replace(
        info,
        name=f"{name}_keras",
        build=partial(info.build, norm=norm, initial_values=KERAS_DEFAULT),
        differs="Keras's: batch norm with an epsilon of 1.001e-5",
    )


# Those of TABLE that Keras has.
KERAS_NAMES = ("densenet121", "densenet169", "densenet201")
ENTRIES = (*map(_entry, TABLE), *map(_keras_entry, KERAS_NAMES), *map(_cifar_entry, CIFAR_TABLE))
