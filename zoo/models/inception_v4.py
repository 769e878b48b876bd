"""Inception v4: one kind of module per resolution, as in TensorFlow's release and the port of timm."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import TORCH_DEFAULT, InitialValues
from zoo.layers import Dropout, batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.inception_branches import Branch, BranchConv, InceptionBranches, run_branch
from zoo.models.field_types import Probability
from zoo.models.network import FoldableNetwork, ModelInfo, Paper, maybe_remat
from zoo.runtime.record_types import ImageShape

PAPER = Paper(
    title="Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
    year=2016,
    url="https://arxiv.org/abs/1602.07261",
)

MAX_POOL = partial(max_pool, window=3, stride=2)

# Figure 3. The last three parts are modules with the names of the release.
STEM: Branch = (
    BranchConv("conv2d_1a_3x3", 32, 3, 2, padding=0),
    BranchConv("conv2d_2a_3x3", 32, 3, padding=0),
    BranchConv("conv2d_2b_3x3", 64, 3),
)
MIXED_3A: tuple[Branch, ...] = ((MAX_POOL,), (BranchConv("3x3", 96, 3, 2, padding=0),))
MIXED_4A: tuple[Branch, ...] = (
    (BranchConv("3x3_1", 64, 1), BranchConv("3x3_2", 96, 3, padding=0)),
    (
        BranchConv("7x7x3_1", 64, 1),
        BranchConv("7x7x3_2", 64, (1, 7)),
        BranchConv("7x7x3_3", 64, (7, 1)),
        BranchConv("7x7x3_4", 96, 3, padding=0),
    ),
)
MIXED_5A: tuple[Branch, ...] = ((BranchConv("3x3", 192, 3, 2, padding=0),), (MAX_POOL,))

# Figures 4 to 8.
INCEPTION_A: tuple[Branch, ...] = (
    (BranchConv("1x1", 96, 1),),
    (BranchConv("3x3_1", 64, 1), BranchConv("3x3_2", 96, 3)),
    (BranchConv("3x3dbl_1", 64, 1), BranchConv("3x3dbl_2", 96, 3), BranchConv("3x3dbl_3", 96, 3)),
    ("average", BranchConv("pool_proj", 96, 1)),
)
REDUCTION_A: tuple[Branch, ...] = (
    (BranchConv("3x3", 384, 3, 2, padding=0),),
    (BranchConv("3x3dbl_1", 192, 1), BranchConv("3x3dbl_2", 224, 3), BranchConv("3x3dbl_3", 256, 3, 2, padding=0)),
    (MAX_POOL,),
)
INCEPTION_B: tuple[Branch, ...] = (
    (BranchConv("1x1", 384, 1),),
    (BranchConv("7x7_1", 192, 1), BranchConv("7x7_2", 224, (1, 7)), BranchConv("7x7_3", 256, (7, 1))),
    (
        BranchConv("7x7dbl_1", 192, 1),
        BranchConv("7x7dbl_2", 192, (7, 1)),
        BranchConv("7x7dbl_3", 224, (1, 7)),
        BranchConv("7x7dbl_4", 224, (7, 1)),
        BranchConv("7x7dbl_5", 256, (1, 7)),
    ),
    ("average", BranchConv("pool_proj", 128, 1)),
)
REDUCTION_B: tuple[Branch, ...] = (
    (BranchConv("3x3_1", 192, 1), BranchConv("3x3_2", 192, 3, 2, padding=0)),
    (
        BranchConv("7x7x3_1", 256, 1),
        BranchConv("7x7x3_2", 256, (1, 7)),
        BranchConv("7x7x3_3", 320, (7, 1)),
        BranchConv("7x7x3_4", 320, 3, 2, padding=0),
    ),
    (MAX_POOL,),
)
INCEPTION_C: tuple[Branch, ...] = (
    (BranchConv("1x1", 256, 1),),
    (BranchConv("3x3_1", 384, 1), ((BranchConv("3x3_2a", 256, (1, 3)),), (BranchConv("3x3_2b", 256, (3, 1)),))),
    (
        BranchConv("3x3dbl_1", 384, 1),
        BranchConv("3x3dbl_2", 448, (3, 1)),
        BranchConv("3x3dbl_3", 512, (1, 3)),
        ((BranchConv("3x3dbl_4a", 256, (1, 3)),), (BranchConv("3x3dbl_4b", 256, (3, 1)),)),
    ),
    ("average", BranchConv("pool_proj", 256, 1)),
)

MODULES = {
    "mixed_3a": MIXED_3A,
    "mixed_4a": MIXED_4A,
    "mixed_5a": MIXED_5A,
    **{f"inception_a{i}": INCEPTION_A for i in range(1, 5)},
    "reduction_a": REDUCTION_A,
    **{f"inception_b{i}": INCEPTION_B for i in range(1, 8)},
    "reduction_b": REDUCTION_B,
    **{f"inception_c{i}": INCEPTION_C for i in range(1, 4)},
}


class InceptionV4(FoldableNetwork):
    """Szegedy et al. 2016, Figure 9."""

    image_shape: ImageShape = (299, 299, 3)
    dropout: Probability = 0.2
    remat: bool = False
    initial_values: InitialValues = TORCH_DEFAULT  # as timm's

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(partial(batch_norm, epsilon=1e-3), train=train)
        conv = self.conv_blocks(norm)
        module = maybe_remat(InceptionBranches, self.remat)
        x = run_branch(STEM, x, train=train, conv=conv)
        for name, branches in MODULES.items():
            x = module(branches, conv, count_include_pad=False, name=name)(x, train)
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(global_avg_pool(x))
        return self.classify(x, "fc")


ENTRIES = (
    ModelInfo(
        name="inception_v4",
        build=InceptionV4,
        paper=PAPER,
        parameters=42_679_816,
        macs=12_253_974_624,
        input_size=299,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        interpolation="bicubic",
        stages=("conv2d_2b_3x3", "mixed_4a", "inception_a4", "inception_b7", "inception_c3"),
        pyramid=("conv2d_2b_3x3", "mixed_3a", "inception_a4", "inception_b7", "inception_c3"),
        differs="the released network: its order of 1x7 and 7x1, and of 1x3 and 3x1",
    ),
)
