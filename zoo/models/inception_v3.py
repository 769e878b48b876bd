"""Inception v3: factorised convolutions, as in TensorFlow's release and in the ports of torchvision and Keras."""

from dataclasses import replace
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import KERAS_DEFAULT, InitialValues, Normal, torch_default_bias
from zoo.layers import (
    Dropout,
    ModuleFactory,
    adaptive_avg_pool,
    avg_pool,
    batch_norm,
    global_avg_pool,
    max_pool,
)
from zoo.models.blocks.inception_branches import Branch, BranchConv, InceptionBranches, run_branch
from zoo.models.field_types import Probability
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, classifier, maybe_remat, sow_aux_logits
from zoo.runtime.record_types import ImageShape

PAPER = Paper(
    title="Rethinking the Inception Architecture for Computer Vision",
    year=2015,
    url="https://arxiv.org/abs/1512.00567",
)

MAX_POOL = partial(max_pool, window=3, stride=2)

STEM: Branch = (
    BranchConv("conv2d_1a_3x3", 32, 3, 2, padding=0),
    BranchConv("conv2d_2a_3x3", 32, 3, padding=0),
    BranchConv("conv2d_2b_3x3", 64, 3),
    MAX_POOL,
    BranchConv("conv2d_3b_1x1", 80, 1),
    BranchConv("conv2d_4a_3x3", 192, 3, padding=0),
    MAX_POOL,
)


def inception_35(pool_proj: int) -> tuple[Branch, ...]:
    """The branches of a module on 35x35 maps: Figure 5 of the paper, with a 5x5."""
    return (
        (BranchConv("1x1", 64, 1),),
        (BranchConv("5x5_1", 48, 1), BranchConv("5x5_2", 64, 5)),
        (BranchConv("3x3dbl_1", 64, 1), BranchConv("3x3dbl_2", 96, 3), BranchConv("3x3dbl_3", 96, 3)),
        ("average", BranchConv("pool_proj", pool_proj, 1)),
    )


def inception_17(width: int) -> tuple[Branch, ...]:
    """The branches of a module on 17x17 maps: Figure 6, each 7x7 convolution is a 1x7 and a 7x1."""
    return (
        (BranchConv("1x1", 192, 1),),
        (BranchConv("7x7_1", width, 1), BranchConv("7x7_2", width, (1, 7)), BranchConv("7x7_3", 192, (7, 1))),
        (
            BranchConv("7x7dbl_1", width, 1),
            BranchConv("7x7dbl_2", width, (7, 1)),
            BranchConv("7x7dbl_3", width, (1, 7)),
            BranchConv("7x7dbl_4", width, (7, 1)),
            BranchConv("7x7dbl_5", 192, (1, 7)),
        ),
        ("average", BranchConv("pool_proj", 192, 1)),
    )


REDUCTION_17: tuple[Branch, ...] = (
    (BranchConv("3x3", 384, 3, 2, padding=0),),
    (BranchConv("3x3dbl_1", 64, 1), BranchConv("3x3dbl_2", 96, 3), BranchConv("3x3dbl_3", 96, 3, 2, padding=0)),
    (MAX_POOL,),
)

REDUCTION_8: tuple[Branch, ...] = (
    (BranchConv("3x3_1", 192, 1), BranchConv("3x3_2", 320, 3, 2, padding=0)),
    (
        BranchConv("7x7x3_1", 192, 1),
        BranchConv("7x7x3_2", 192, (1, 7)),
        BranchConv("7x7x3_3", 192, (7, 1)),
        BranchConv("7x7x3_4", 192, 3, 2, padding=0),
    ),
    (MAX_POOL,),
)

# Figure 7: the 3x3 branches end with a 1x3 and a 3x1 in parallel.
INCEPTION_8: tuple[Branch, ...] = (
    (BranchConv("1x1", 320, 1),),
    (BranchConv("3x3_1", 384, 1), ((BranchConv("3x3_2a", 384, (1, 3)),), (BranchConv("3x3_2b", 384, (3, 1)),))),
    (
        BranchConv("3x3dbl_1", 448, 1),
        BranchConv("3x3dbl_2", 384, 3),
        ((BranchConv("3x3dbl_3a", 384, (1, 3)),), (BranchConv("3x3dbl_3b", 384, (3, 1)),)),
    ),
    ("average", BranchConv("pool_proj", 192, 1)),
)

MIXED = {
    "5b": inception_35(32),
    "5c": inception_35(64),
    "5d": inception_35(64),
    "6a": REDUCTION_17,
    "6b": inception_17(128),
    "6c": inception_17(160),
    "6d": inception_17(160),
    "6e": inception_17(192),
    "7a": REDUCTION_8,
    "7b": INCEPTION_8,
    "7c": INCEPTION_8,
}
# Torchvision's; the auxiliary head's linear layer has `AUX_KERNEL`.
INITIAL = InitialValues(kernel=Normal(0.1), dense_kernel=Normal(0.1), dense_bias=torch_default_bias)
AUX_KERNEL = Normal(0.001)
# The batch normalisations of Keras have no scale.
KERAS_NORM = partial(batch_norm, epsilon=1e-3, momentum=0.99, use_scale=False)
STAGES = ("conv2d_2b_3x3", "conv2d_4a_3x3", "mixed_5d", "mixed_6e", "mixed_7c")

RELEASED = (
    "the released network: pools where the paper's stem has strides, 5x5 in the first three modules, "
    "four modules of 7x7 instead of five"
)


class InceptionV3(FoldableNetwork):
    """Szegedy et al. 2015, with the names of TensorFlow's release.

    With `aux_heads` and `train`, a classifier after 6e sows its logits into the collection `aux_logits`.
    `norm` makes the batch normalisations. `count_include_pad`: the zeros of the padding count in average pools.
    """

    image_shape: ImageShape = (299, 299, 3)
    aux_heads: bool = False
    norm: ModuleFactory = partial(batch_norm, epsilon=1e-3)
    count_include_pad: bool = True
    dropout: Probability = 0.5
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(self.norm, train=train)
        conv = self.conv_blocks(norm)
        module = maybe_remat(InceptionBranches, self.remat)
        x = run_branch(STEM, x, train=train, conv=conv)
        for name, branches in MIXED.items():
            x = module(branches, conv, self.count_include_pad, name=f"mixed_{name}")(x, train)
            if name == "6e" and self.aux_heads and (train or self.is_initializing()):
                aux_init = replace(self.initial_values, dense_kernel=AUX_KERNEL)
                AuxHead(self.num_classes, conv, aux_init, self.dtype, name="aux")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class AuxHead(nn.Module):
    """The auxiliary classifier: an average pool of 5x5 with stride 3, 1x1 and 5x5 convolutions, a dense layer.

    The pool makes 5x5 of the 17x17 maps of 299x299 images. Smaller maps are averaged to 5x5 too.
    """

    num_classes: int
    conv: ModuleFactory
    initial_values: InitialValues
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> None:
        x = avg_pool(x, 5, 3) if min(x.shape[1:3]) >= 17 else adaptive_avg_pool(x, 5)
        x = self.conv(128, 1, name="conv0")(x, train)
        x = global_avg_pool(self.conv(768, 5, name="conv1")(x, train))
        sow_aux_logits(self, classifier(x, self.num_classes, self.initial_values, self.dtype, name="fc"))


ENTRIES = (
    ModelInfo(
        name="inception_v3",
        build=InceptionV3,
        paper=PAPER,
        parameters=23_834_568,
        macs=5_713_216_096,
        input_size=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=299 / 342,
        stages=STAGES,
        differs=RELEASED,
    ),
    ModelInfo(
        name="inception_v3_keras",
        build=partial(InceptionV3, norm=KERAS_NORM, count_include_pad=False, dropout=0.0, initial_values=KERAS_DEFAULT),
        paper=PAPER,
        parameters=23_817_352,
        macs=5_713_216_096,
        input_size=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        stages=STAGES,
        differs="Keras's: batch normalisation without scale, padding does not count in average pools, no dropout; "
        f"{RELEASED}",
    ),
)
