"""GoogLeNet (Inception v1): the network of the Caffe release, one with batch norm, and torchvision's."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import Constant, InitialValues, Normal, caffe_xavier, torch_default_bias
from zoo.layers import (
    Activation,
    Dense,
    Dropout,
    Inception,
    ModuleFactory,
    adaptive_avg_pool,
    avg_pool,
    batch_norm,
    global_avg_pool,
    local_response_norm,
    max_pool,
)
from zoo.models.blocks.inception_branches import BranchConv, ConvChain
from zoo.models.field_types import Probability, Window
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, classifier, sow_aux_logits

PAPER = Paper(title="Going Deeper with Convolutions", year=2014, url="https://arxiv.org/abs/1409.4842")

# Table 1 of the paper: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection; the output for 224x224 images.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),  # [b, 28, 28, 256]
    "3b": (128, 128, 192, 32, 96, 64),  # [b, 28, 28, 480]
    "4a": (192, 96, 208, 16, 48, 64),  # [b, 14, 14, 512]
    "4b": (160, 112, 224, 24, 64, 64),  # [b, 14, 14, 512]
    "4c": (128, 128, 256, 24, 64, 64),  # [b, 14, 14, 512]
    "4d": (112, 144, 288, 32, 64, 64),  # [b, 14, 14, 528]
    "4e": (256, 160, 320, 32, 128, 128),  # [b, 14, 14, 832]
    "5a": (256, 160, 320, 32, 128, 128),  # [b, 7, 7, 832]
    "5b": (384, 192, 384, 48, 128, 128),  # [b, 7, 7, 1024]
}
POOL_AFTER = ("3b", "4e")
STAGES = ("conv1", "conv2", "inception_3b", "inception_4e", "inception_5b")
# The Caffe release: xavier, and biases of 0.2 but in the classifiers.
CAFFE = InitialValues(kernel=caffe_xavier, bias=Constant(0.2), dense_kernel=caffe_xavier, hidden_bias=Constant(0.2))
# Torchvision sets the kernels, and leaves biases at torch's default.
TORCHVISION = InitialValues(kernel=Normal(0.01), dense_kernel=Normal(0.01), dense_bias=torch_default_bias)

AUX_HEAD_AFTER = {"4a": "loss1", "4d": "loss2"}


class GoogLeNet(FoldableNetwork):
    """Szegedy et al. 2014, Table 1, with biases and local response normalisation, or `batch_norm` instead of both.

    With `aux_heads` and `train`, two classifiers after 4a and 4d sow their logits into the collection `aux_logits`
    (section 5). Torchvision's port has `kernel_5x5=3`, `last_pool=2` (window of the pool before 5a) and
    `adaptive_aux_pool`: its auxiliary heads average maps of any size to 4x4.
    Other image sizes work too: the last pool is global, and the auxiliary heads average other maps to 4x4.
    """

    aux_heads: bool = False
    batch_norm: bool = False
    kernel_5x5: Window = 5
    last_pool: Window = 3
    adaptive_aux_pool: bool = False
    dropout: Probability = 0.4
    aux_dropout: Probability = 0.7
    initial_values: InitialValues = CAFFE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(partial(batch_norm, epsilon=1e-3) if self.batch_norm else None, train=train)
        conv = self.conv_blocks(norm)
        response_norm = (lambda x: x) if self.batch_norm else caffe_response_norm

        x = ConvChain((BranchConv("7x7_s2", 64, 7, 2),), conv, name="conv1")(x, train=train)  # [b, 112, 112, 64]
        x = response_norm(max_pool(x, 3, 2, ceil_mode=True))  # [b, 56, 56, 64]
        steps = (BranchConv("3x3_reduce", 64, 1), BranchConv("3x3", 192, 3))
        x = ConvChain(steps, conv, name="conv2")(x, train=train)  # [b, 56, 56, 192]
        x = max_pool(response_norm(x), 3, 2, ceil_mode=True)  # [b, 28, 28, 192]
        for name, widths in INCEPTIONS.items():
            inception = Inception(*widths, kernel_5x5=self.kernel_5x5, conv=conv, name=f"inception_{name}")
            x = inception(x, train=train)
            if name in AUX_HEAD_AFTER and self.aux_heads and (train or self.is_initializing()):
                self._aux_head(conv, AUX_HEAD_AFTER[name])(x, train=train)
            if name in POOL_AFTER:
                x = max_pool(x, self.last_pool if name == "4e" else 3, 2, ceil_mode=True)
        x = global_avg_pool(x)  # [b, 1024]
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return Classifier(self.num_classes, self.initial_values, self.dtype, name="loss3")(x)

    def _aux_head(self, conv: ModuleFactory, name: str) -> nn.Module:
        return AuxHead(
            num_classes=self.num_classes,
            conv=conv,
            act=self.act,
            dropout=self.aux_dropout,
            adaptive_pool=self.adaptive_aux_pool,
            initial_values=self.initial_values,
            dtype=self.dtype,
            name=name,
        )


def caffe_response_norm(x: jax.Array) -> jax.Array:
    """Local response normalisation with Caffe's constants: alpha divided by the window size, k = 1."""
    return local_response_norm(x, alpha=1e-4 / 5, k=1.0)


class Classifier(nn.Module):
    """The last linear layer. It is a module so that its name is `loss3/classifier`, as in the Caffe release."""

    num_classes: int
    initial_values: InitialValues
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.num_classes:
            x = classifier(x, self.num_classes, self.initial_values, self.dtype, name="classifier")
        return x.astype(jnp.float32)


class AuxHead(nn.Module):
    """An auxiliary classifier (section 5): an average pool of 5x5 with stride 3, a 1x1 convolution, two dense layers.

    The pool makes 4x4 of 14x14 maps. Maps of other sizes are averaged to 4x4; with `adaptive_pool`, as in torchvision,
    14x14 maps too (its windows are then 4x4 instead of 5x5).
    """

    num_classes: int
    conv: ModuleFactory
    act: Activation
    dropout: float
    adaptive_pool: bool
    initial_values: InitialValues
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> None:
        strided = x.shape[1:3] == (14, 14) and not self.adaptive_pool
        x = avg_pool(x, 5, 3) if strided else adaptive_avg_pool(x, 4)  # [b, 4, 4, 512] or [b, 4, 4, 528]
        x = self.conv(128, 1, name="conv")(x, train=train).reshape(x.shape[0], -1)  # [b, 2048]
        hidden = Dense(
            1024,
            kernel_init=self.initial_values.dense_kernel,
            bias_init=self.initial_values.hidden_bias or self.initial_values.dense_bias,
            dtype=self.dtype,
            name="fc",
        )
        x = self.act(hidden(x))  # [b, 1024]
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        sow_aux_logits(self, classifier(x, self.num_classes, self.initial_values, self.dtype, name="classifier"))


ENTRIES = (
    ModelInfo(
        name="googlenet",
        build=GoogLeNet,
        paper=PAPER,
        parameters=6_998_552,
        macs=1_582_671_872,
        stages=STAGES,
        differs="the Caffe release's: padding, ceil-mode pools, constants of response normalisation",
    ),
    ModelInfo(
        name="googlenet_bn",
        # No release has it: the initial values are those of He et al.
        build=partial(GoogLeNet, batch_norm=True, initial_values=InitialValues()),
        paper=PAPER,
        parameters=7_005_832,
        macs=1_582_671_872,
        stages=STAGES,
        differs="batch normalisation after each convolution, instead of biases and response normalisation",
    ),
    ModelInfo(
        name="googlenet_tv",
        build=partial(
            GoogLeNet,
            batch_norm=True,
            kernel_5x5=3,
            last_pool=2,
            adaptive_aux_pool=True,
            dropout=0.2,
            initial_values=TORCHVISION,
        ),
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
