"""MobileNet V3: searched inverted residuals, with squeeze-and-excite and the hard swish."""

from functools import partial

import flax.linen as nn
import jax

from zoo.layers import Activation, ConvBlock, SqueezeExcite, batch_norm, global_avg_pool
from zoo.models.mobilenet import InvertedResidual, multiple_of_8
from zoo.models.network import CROP_OF_232, ModelInfo, Network, Paper

PAPER = Paper(title="Searching for MobileNetV3", year=2019, url="https://arxiv.org/abs/1905.02244")

# Tables 1 and 2 of the paper, a row a run of blocks with the same output: kernel, features, squeeze-and-excite,
# hard swish (else ReLU), stride of the first block, expanded features of each block.
Row = tuple[int, int, bool, bool, int, tuple[int, ...]]
LARGE: tuple[Row, ...] = (
    (3, 16, False, False, 1, (16,)),
    (3, 24, False, False, 2, (64, 72)),
    (5, 40, True, False, 2, (72, 120, 120)),
    (3, 80, False, True, 2, (240, 200, 184, 184)),
    (3, 112, True, True, 1, (480, 672)),
    (5, 160, True, True, 2, (672, 960, 960)),
)
SMALL: tuple[Row, ...] = (
    (3, 16, True, False, 2, (16,)),
    (3, 24, False, False, 2, (72, 88)),
    (5, 40, True, True, 2, (96, 240, 240)),
    (5, 48, True, True, 1, (120, 144)),
    (5, 96, True, True, 2, (288, 576, 576)),
)
STEM = 16


class MobileNetV3(Network):
    """Howard et al. 2019, Tables 1 and 2: inverted residuals, and a head that pools before its widest layer.

    `act` is the tables' hard swish and ReLU, or one for both. `head` is the width of the dense layer after the pool.
    `epsilon` is TensorFlow's default; timm's own networks have 1e-5.
    """

    act: Activation | tuple[Activation, Activation] = (nn.hard_swish, nn.relu)
    rows: tuple[Row, ...] = LARGE
    head: int = 1280
    epsilon: float = 1e-3
    dropout: float = 0.2

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        act, early_act = self.act if isinstance(self.act, tuple) else (self.act, self.act)
        # The average decay of section 6.1.1 of the paper.
        norm = partial(batch_norm, epsilon=self.epsilon, momentum=0.99)
        conv = partial(ConvBlock, norm=norm, act=act, dtype=self.dtype)
        x = conv(STEM, 3, 2, padding=1, name="conv1")(x, train)
        for stage, (kernel, features, squeeze, hard_swish, stride, widths) in enumerate(self.rows, start=1):
            block_conv = conv if hard_swish else partial(conv, act=early_act)
            for i, expanded in enumerate(widths, start=1):
                block = InvertedResidual(
                    expanded,
                    features,
                    kernel,
                    stride if i == 1 else 1,
                    block_conv,
                    gate(expanded, self.dtype) if squeeze else None,
                    name=f"block{stage}_{i}",
                )
                x = block(x, train)
        x = conv(6 * x.shape[-1], 1, name="conv_last")(x, train)
        x = act(nn.Dense(self.head, dtype=self.dtype, name="fc1")(global_avg_pool(x)))
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc2")


def gate(expanded: int, dtype) -> partial[SqueezeExcite]:
    """Squeeze-and-excite with a quarter of the expanded channels (section 5.3) and the hard sigmoid (section 5.2)."""
    return partial(SqueezeExcite, multiple_of_8(expanded // 4), gate=nn.hard_sigmoid, dtype=dtype)


ENTRIES = (
    ModelInfo(
        name="mobilenet_v3_large",
        build=MobileNetV3,
        paper=PAPER,
        parameters=5_483_032,
        macs=216_589_760,
        crop=CROP_OF_232,
        stages=("block1_1", "block2_2", "block3_3", "block5_2", "conv_last"),
        differs="torchvision's: symmetric padding, where the authors' release pads as TensorFlow",
    ),
    ModelInfo(
        name="mobilenet_v3_small",
        build=partial(MobileNetV3, rows=SMALL, head=1024),
        paper=PAPER,
        parameters=2_542_856,
        macs=56_510_400,
        stages=("conv1", "block1_1", "block2_2", "block4_2", "conv_last"),
        differs="torchvision's: no squeeze-and-excite after the last convolution, where Table 2 has one; "
        "symmetric padding",
    ),
)
