"""Inception-ResNet v2: Inception modules as residual branches, as in TensorFlow's release, timm and Keras."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import KERAS_DEFAULT, TORCH_DEFAULT, InitialValues
from zoo.kernels.relu import keeping_output
from zoo.layers import Activation, Conv, Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.blocks.inception_branches import Branch, BranchConv, InceptionBranches, run_branch
from zoo.models.field_types import Probability, Scale
from zoo.models.inception_v3 import KERAS_NORM, MAX_POOL, STEM
from zoo.models.inception_v4 import PAPER
from zoo.models.network import FoldableNetwork, ModelInfo, maybe_remat
from zoo.runtime.record_types import ImageShape

MIXED_5B: tuple[Branch, ...] = (
    (BranchConv("1x1", 96, 1),),
    (BranchConv("5x5_1", 48, 1), BranchConv("5x5_2", 64, 5)),
    (BranchConv("3x3dbl_1", 64, 1), BranchConv("3x3dbl_2", 96, 3), BranchConv("3x3dbl_3", 96, 3)),
    ("average", BranchConv("pool_proj", 64, 1)),
)
# Figures 16 to 19 of the paper: the blocks on maps of 35x35, 17x17 and 8x8, and the reductions between them.
BLOCK35: tuple[Branch, ...] = (
    (BranchConv("1x1", 32, 1),),
    (BranchConv("3x3_1", 32, 1), BranchConv("3x3_2", 32, 3)),
    (BranchConv("3x3dbl_1", 32, 1), BranchConv("3x3dbl_2", 48, 3), BranchConv("3x3dbl_3", 64, 3)),
)
MIXED_6A: tuple[Branch, ...] = (
    (BranchConv("3x3", 384, 3, 2, padding=0),),
    (BranchConv("3x3dbl_1", 256, 1), BranchConv("3x3dbl_2", 256, 3), BranchConv("3x3dbl_3", 384, 3, 2, padding=0)),
    (MAX_POOL,),
)
BLOCK17: tuple[Branch, ...] = (
    (BranchConv("1x1", 192, 1),),
    (BranchConv("7x7_1", 128, 1), BranchConv("7x7_2", 160, (1, 7)), BranchConv("7x7_3", 192, (7, 1))),
)
MIXED_7A: tuple[Branch, ...] = (
    (BranchConv("3x3a_1", 256, 1), BranchConv("3x3a_2", 384, 3, 2, padding=0)),
    (BranchConv("3x3b_1", 256, 1), BranchConv("3x3b_2", 288, 3, 2, padding=0)),
    (BranchConv("3x3dbl_1", 256, 1), BranchConv("3x3dbl_2", 288, 3), BranchConv("3x3dbl_3", 320, 3, 2, padding=0)),
    (MAX_POOL,),
)
BLOCK8: tuple[Branch, ...] = (
    (BranchConv("1x1", 192, 1),),
    (BranchConv("3x3_1", 192, 1), BranchConv("3x3_2", 224, (1, 3)), BranchConv("3x3_3", 256, (3, 1))),
)

# Name of the blocks, name and branches of the module before them, residual branches, number of blocks.
RESIDUAL_STAGES = (
    ("block35", ("mixed_5b", MIXED_5B), BLOCK35, 10),
    ("block17", ("mixed_6a", MIXED_6A), BLOCK17, 20),
    ("block8", ("mixed_7a", MIXED_7A), BLOCK8, 10),
)

STAGES = ("conv2d_2b_3x3", "conv2d_4a_3x3", "block35_10", "block17_20", "conv2d_7b_1x1")
RELEASED = "the released network: Inception v3's stem, and 10, 20 and 10 blocks where the paper has 5, 10 and 5"


class InceptionResNetV2(FoldableNetwork):
    """Szegedy et al. 2016, section 3.2, with the stem and the numbers of blocks of the release.

    The residuals of each kind of block are multiplied by one of `scales` (section 3.3). The last block has no scale
    and no activation. `norm` makes the batch normalisations.
    """

    image_shape: ImageShape = (299, 299, 3)
    scales: tuple[Scale, Scale, Scale] = (0.17, 0.10, 0.20)
    norm: ModuleFactory = partial(batch_norm, epsilon=1e-3)
    dropout: Probability = 0.2
    remat: bool = False
    initial_values: InitialValues = TORCH_DEFAULT  # as timm's

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(self.norm, train=train)
        conv = self.conv_blocks(norm)
        init = self.initial_values
        up = partial(Conv, kernel_size=1, kernel_init=init.kernel, bias_init=init.bias, dtype=self.dtype, name="up")
        block = maybe_remat(ResidualBranches, self.remat)
        x = run_branch(STEM, x, train=train, conv=conv)
        for (kind, (before, module), branches, depth), scale in zip(RESIDUAL_STAGES, self.scales, strict=True):
            x = InceptionBranches(module, conv, count_include_pad=False, name=before)(x, train)
            for i in range(1, depth + 1):
                last = (kind, i) == ("block8", depth)
                x = block(
                    branches,
                    conv,
                    up,
                    scale=1.0 if last else scale,
                    act=None if last else self.act,
                    name=f"{kind}_{i}",
                )(x, train)
        x = conv(1536, 1, name="conv2d_7b_1x1")(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


class ResidualBranches(nn.Module):
    """act(x + scale * y), where y is the concatenated branches after the 1x1 convolution `up` to the channels of x."""

    branches: tuple[Branch, ...]
    conv: ModuleFactory
    up: ModuleFactory
    scale: float
    act: Activation | None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = run_branch((self.branches,), x, train=train, conv=self.conv, count_include_pad=False)
        y = x + self.scale * self.up(x.shape[-1])(y)
        return y if self.act is None else keeping_output(self.act)(y)


ENTRIES = (
    ModelInfo(
        name="inception_resnet_v2",
        build=InceptionResNetV2,
        paper=PAPER,
        parameters=55_843_464,
        macs=13_155_794_016,
        input_size=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop=0.8975,
        interpolation="bicubic",
        stages=STAGES,
        differs=RELEASED,
    ),
    ModelInfo(
        name="inception_resnet_v2_keras",
        build=partial(InceptionResNetV2, norm=KERAS_NORM, dropout=0.0, initial_values=KERAS_DEFAULT),
        paper=PAPER,
        parameters=55_813_192,
        macs=13_155_794_016,
        input_size=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        stages=STAGES,
        differs=f"Keras's: batch normalisation without scale, no dropout; {RELEASED}",
    ),
)
