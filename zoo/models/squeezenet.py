"""SqueezeNet: Fire modules, which reduce the number of channels before their 3x3 convolutions."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, Normal, he_uniform
from zoo.layers import Dropout, ModuleFactory, global_avg_pool, max_pool
from zoo.models.field_types import LayerNames, Probability, Width, Window
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(
    title="SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
    year=2016,
    url="https://arxiv.org/abs/1602.07360",
)

# Table 1 of the paper: features of squeeze1x1; features of expand1x1, which are those of expand3x3 too.
FIRES = {
    "fire2": (16, 64),
    "fire3": (16, 64),
    "fire4": (32, 128),
    "fire5": (32, 128),
    "fire6": (48, 192),
    "fire7": (48, 192),
    "fire8": (64, 256),
    "fire9": (64, 256),
}


# Torchvision's; conv10 is the classifier.
INITIAL = InitialValues(kernel=he_uniform, dense_kernel=Normal(0.01))


class SqueezeNet(Network):
    """Iandola et al. 2016, Table 1: conv1, eight Fire modules, conv10; the logits are the averages of its maps.

    `stem` is (features, kernel) of conv1. After conv1 and the modules `pool_after` there is a 3x3 pool with stride 2.
    As in the authors' release, conv10 has an activation: no logit is negative.
    """

    stem: tuple[Width, Window] = (96, 7)
    pool_after: LayerNames = ("fire4", "fire8")
    dropout: Probability = 0.5
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init = self.initial_values
        conv = self.conv_blocks()
        x = max_pool(conv(*self.stem, stride=2, name="conv1")(x), 3, 2, ceil_mode=True)
        for name, (squeezed, expanded) in FIRES.items():
            x = Fire(squeezed, expanded, conv, name=name)(x)
            if name in self.pool_after:
                x = max_pool(x, 3, 2, ceil_mode=True)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        if self.num_classes:
            classifier = partial(conv, kernel_init=init.dense_kernel, bias_init=init.dense_bias, name="conv10")
            x = classifier(self.num_classes, 1)(x)
        return global_avg_pool(x.astype(jnp.float32))


class Fire(nn.Module):
    """A 1x1 convolution to few channels, then parallel 1x1 and 3x3 convolutions (section 3.2)."""

    squeezed: int
    expanded: int
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv(self.squeezed, 1, name="squeeze1x1")(x)
        expanded_1x1 = self.conv(self.expanded, 1, name="expand1x1")(x)
        expanded_3x3 = self.conv(self.expanded, 3, padding=1, name="expand3x3")(x)
        return jnp.concatenate([expanded_1x1, expanded_3x3], axis=-1)


ENTRIES = (
    ModelInfo(
        name="squeezenet1_0",
        build=SqueezeNet,
        paper=PAPER,
        parameters=1_248_424,
        macs=818_924_576,
        stages=("conv1", "fire4", "fire8", "fire9"),
        differs="conv1 without padding, as in the authors' release: 109x109 maps, where Table 1 says 111x111",
    ),
    ModelInfo(
        name="squeezenet1_1",
        build=partial(SqueezeNet, stem=(64, 3), pool_after=("fire3", "fire5")),
        paper=PAPER,
        parameters=1_235_496,
        macs=349_151_936,
        stages=("conv1", "fire3", "fire5", "fire9"),
        differs="the authors' later release: conv1 is 3x3 with 64 features, and the pools are earlier",
    ),
)
