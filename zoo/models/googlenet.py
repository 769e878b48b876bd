"""GoogLeNet (Inception v1): the paper's network as its Caffe release has it, with batch norm, and torchvision's."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.layers import (
    Activation,
    ConvBlock,
    Inception,
    adaptive_avg_pool,
    avg_pool,
    batch_norm,
    global_avg_pool,
    local_response_norm,
    max_pool,
)
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(title="Going Deeper with Convolutions", year=2014, url="https://arxiv.org/abs/1409.4842")

# Table 1 of the paper: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOL_AFTER = ("3b", "4e")
STAGES = ("conv1", "conv2", "inception_3b", "inception_4e", "inception_5b")
AUX_HEAD_AFTER = {"4a": "loss1", "4d": "loss2"}


class GoogLeNet(Network):
    """Szegedy et al. 2014, Table 1. Local response normalisation and biases, or with `norm` neither.

    With `aux_heads`, two classifiers hang on 4a and 4d and sow their logits into the collection `aux_logits` when
    `train` (section 5). `kernel_5x5` and `last_pool` (window of the pool before 5a) are 3 and 2 in torchvision's port,
    whose auxiliary heads average their maps to 4x4 at every size: `adaptive_aux_pool`.
    Smaller images will do: the last pool is global, and the auxiliary heads' maps are averaged to 4x4.
    """

    aux_heads: bool = False
    batch_norm: bool = False
    kernel_5x5: int = 5
    last_pool: int = 3
    adaptive_aux_pool: bool = False
    dropout: float = 0.4
    aux_dropout: float = 0.7

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        conv = conv_maker(self.batch_norm, self.act, self.dtype)
        response_norm = (lambda x: x) if self.batch_norm else caffe_response_norm

        x = ConvChain((("7x7_s2", 64, 7, 2),), conv, name="conv1")(x, train=train)
        x = response_norm(max_pool(x, 3, 2, ceil_mode=True))
        x = ConvChain((("3x3_reduce", 64, 1, 1), ("3x3", 192, 3, 1)), conv, name="conv2")(x, train=train)
        x = max_pool(response_norm(x), 3, 2, ceil_mode=True)
        for name, widths in INCEPTIONS.items():
            inception = Inception(*widths, kernel_5x5=self.kernel_5x5, conv=conv, name=f"inception_{name}")
            x = inception(x, train=train)
            if name in AUX_HEAD_AFTER and self.aux_heads and (train or self.is_initializing()):
                self._aux_head(conv, AUX_HEAD_AFTER[name])(x, train=train)
            if name in POOL_AFTER:
                x = max_pool(x, self.last_pool if name == "4e" else 3, 2, ceil_mode=True)
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return Classifier(self.num_classes, self.dtype, name="loss3")(x)

    def _aux_head(self, conv, name: str) -> nn.Module:
        return AuxHead(
            self.num_classes, conv, self.act, self.aux_dropout, self.adaptive_aux_pool, self.dtype, name=name
        )


def conv_maker(with_norm: bool, act: Activation, dtype: jnp.dtype):
    """The network's convolution block: Caffe's initial values with biases, He's with batch norm."""
    if with_norm:
        return partial(ConvBlock, norm=partial(batch_norm, epsilon=1e-3), act=act, dtype=dtype)
    xavier, bias = nn.initializers.xavier_uniform(), nn.initializers.constant(0.2)
    return partial(ConvBlock, kernel_init=xavier, bias_init=bias, act=act, dtype=dtype)


def caffe_response_norm(x: jax.Array) -> jax.Array:
    """Caffe's constants, with which the released weights were trained: alpha over the window's size, k = 1."""
    return local_response_norm(x, alpha=1e-4 / 5, k=1.0)


class ConvChain(nn.Module):
    """Convolutions one after the other; rows of (name, features, kernel, stride), padded to keep the size."""

    rows: tuple[tuple[str, int, int, int], ...]
    conv: type[nn.Module]

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        for name, features, kernel, stride in self.rows:
            x = self.conv(features, kernel, stride, padding=kernel // 2, name=name)(x, train=train)
        return x


class Classifier(nn.Module):
    """The last linear layer, one level down so that it is named `loss3/classifier` as in the Caffe release."""

    num_classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.num_classes:
            x = nn.Dense(self.num_classes, dtype=self.dtype, name="classifier")(x)
        return x.astype(jnp.float32)


class AuxHead(nn.Module):
    """An auxiliary classifier (section 5): 5x5/3 average pool, 1x1 convolution, two dense layers.

    The pool is the paper's on 14x14 maps; maps of other sizes are averaged to the 4x4 that it makes there, and so are
    all with `adaptive_pool`, which is torchvision's (on 14x14 maps its windows are 4x4, not the paper's 5x5).
    """

    num_classes: int
    conv: type[nn.Module]
    act: Activation
    dropout: float
    adaptive_pool: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> None:
        of_paper = x.shape[1:3] == (14, 14) and not self.adaptive_pool
        x = avg_pool(x, 5, 3) if of_paper else adaptive_avg_pool(x, 4)
        x = self.conv(128, 1, name="conv")(x, train=train).reshape(x.shape[0], -1)
        x = self.act(nn.Dense(1024, dtype=self.dtype, name="fc")(x))
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        logits = nn.Dense(self.num_classes, dtype=self.dtype, name="classifier")(x).astype(jnp.float32)
        if train and not self.is_initializing():
            self.sow("aux_logits", "logits", logits, reduce_fn=lambda _, new: new, init_fn=lambda: None)


ENTRIES = (
    ModelInfo(
        name="googlenet",
        build=GoogLeNet,
        paper=PAPER,
        parameters=6_998_552,
        macs=1_582_671_872,
        stages=STAGES,
        differs="padding, ceil-mode pools and response normalisation's constants are the Caffe release's",
    ),
    ModelInfo(
        name="googlenet_bn",
        build=partial(GoogLeNet, batch_norm=True),
        paper=PAPER,
        parameters=7_005_832,
        macs=1_582_671_872,
        stages=STAGES,
        differs="batch normalisation after each convolution, instead of biases and response normalisation",
    ),
    ModelInfo(
        name="googlenet_tv",
        build=partial(GoogLeNet, batch_norm=True, kernel_5x5=3, last_pool=2, adaptive_aux_pool=True, dropout=0.2),
        paper=PAPER,
        parameters=6_624_904,
        macs=1_498_376_192,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        stages=STAGES,
        differs="torchvision's: 3x3 where the paper has 5x5, batch normalisation, a 2x2 pool before 5a, "
        "4x4 windows in the auxiliary heads' pools",
    ),
)
