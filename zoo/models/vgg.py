"""VGG: all convolutions are 3x3; with and without batch normalisation."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import InitialValues, Normal, he_normal_fan_out
from zoo.layers import adaptive_avg_pool, batch_norm, max_pool
from zoo.models.blocks.hidden_dense_layers import hidden_dense_layers
from zoo.models.field_types import Depths, Probability
from zoo.models.network import FoldableNetwork, MapLayer, ModelInfo, Network, Paper

PAPER = Paper(
    title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
    year=2014,
    url="https://arxiv.org/abs/1409.1556",
)

WIDTHS = (64, 128, 256, 512, 512)

# Convolutions per stage (columns A, B, D and E of Table 1), multiply-adds, parameters without and with batch norm.
TABLE = {
    "vgg11": ((1, 1, 2, 2, 2), 7_609_090_048, 132_863_336, 132_868_840),
    "vgg13": ((2, 2, 2, 2, 2), 11_308_466_176, 133_047_848, 133_053_736),
    "vgg16": ((2, 2, 3, 3, 3), 15_470_264_320, 138_357_544, 138_365_992),
    "vgg19": ((2, 2, 4, 4, 4), 19_632_062_464, 143_667_240, 143_678_248),
}


INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=Normal(0.01))  # as torchvision's


class VGG(FoldableNetwork):
    """Five stages of 3x3 convolutions, each followed by a 2x2 pool, and three dense layers.

    The input of the dense layers is 7x7 maps: for other image sizes the maps are averaged to 7x7, as in torchvision.
    """

    depths: Depths = (2, 2, 3, 3, 3)
    batch_norm: bool = False
    dropout: Probability = 0.5
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm if self.batch_norm else None, train=train)
        conv = partial(self.conv_blocks(norm), kernel_size=3, padding=1, use_bias=True)
        # The stages: [b, 224, 224, 64], [b, 112, 112, 128], [b, 56, 56, 256], [b, 28, 28, 512], [b, 14, 14, 512].
        for stage, (depth, width) in enumerate(zip(self.depths, WIDTHS, strict=True), start=1):
            for i in range(1, depth + 1):
                x = conv(width, name=f"conv{stage}_{i}")(x, train=train)
            x = max_pool(x, 2)
        x = adaptive_avg_pool(x, 7).reshape(x.shape[0], -1)  # [b, 25088]
        hidden = partial(hidden_dense_layers, act=self.act, initial_values=self.initial_values, dtype=self.dtype)
        x = hidden(x, train=train, dropout=self.dropout)  # [b, 4096]
        return self.classify(x, "fc8")


def _pooled(_: Network, x: jax.Array) -> jax.Array:
    return max_pool(x, 2)


def _entry(name: str, with_norm: bool) -> ModelInfo:
    depths, macs, plain, normed = TABLE[name]
    stages = tuple(f"conv{stage}_{depth}" for stage, depth in enumerate(depths, start=1))
    return ModelInfo(
        name=f"{name}_bn" if with_norm else name,
        build=partial(VGG, depths=depths, batch_norm=with_norm),
        paper=PAPER,
        parameters=normed if with_norm else plain,
        macs=macs,
        stages=stages,
        pyramid=(*stages, MapLayer(stages[-1], _pooled)),
        differs="torchvision's: batch normalisation after each convolution" if with_norm else "",
    )


ENTRIES = tuple(_entry(name, with_norm) for name in TABLE for with_norm in (False, True))
