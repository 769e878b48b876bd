"""AlexNet (2012, and the one tower of 2014), and ZFNet, which is AlexNet after a look inside."""

from functools import partial

import flax.linen as nn
import jax

from zoo.layers import ConvBlock, adaptive_avg_pool, local_response_norm, max_pool
from zoo.models.network import ModelInfo, Network, Paper

PAPER = Paper(
    title="ImageNet Classification with Deep Convolutional Neural Networks",
    year=2012,
    url="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
)
ONE_TOWER_PAPER = Paper(
    title="One weird trick for parallelizing convolutional neural networks",
    year=2014,
    url="https://arxiv.org/abs/1404.5997",
)
ZFNET_PAPER = Paper(
    title="Visualizing and Understanding Convolutional Networks",
    year=2013,
    url="https://arxiv.org/abs/1311.2901",
)

# A row a convolution: features, kernel, stride, padding, groups.
ALEXNET = ((64, 11, 4, 2, 1), (192, 5, 1, 2, 1), (384, 3, 1, 1, 1), (256, 3, 1, 1, 1), (256, 3, 1, 1, 1))
ALEXNET_2012 = ((96, 11, 4, 0, 1), (256, 5, 1, 2, 2), (384, 3, 1, 1, 1), (384, 3, 1, 1, 2), (256, 3, 1, 1, 2))
ZFNET = ((96, 7, 2, 1, 1), (256, 5, 2, 0, 1), (384, 3, 1, 1, 1), (384, 3, 1, 1, 1), (256, 3, 1, 1, 1))

STAGES = ("conv1", "conv2", "conv5")


class AlexNet(Network):
    """Five convolutions and three dense layers; pools after the first, second and last convolution.

    The dense layers see 6x6 maps: those of other image sizes are averaged to that, as torchvision does.
    `response_norm` puts local response normalisation after the first two ReLUs, as the paper, or with
    `norm_after_pool` after the pools that follow those.
    """

    convs: tuple[tuple[int, int, int, int, int], ...] = ALEXNET
    response_norm: bool = False
    norm_after_pool: bool = False
    ceil_mode: bool = False
    dropout: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        for i, (features, kernel, stride, padding, groups) in enumerate(self.convs, start=1):
            block = ConvBlock(
                features, kernel, stride, padding, groups, act=self.act, dtype=self.dtype, name=f"conv{i}"
            )
            x = block(x)
            normalise = self.response_norm and i <= 2
            if normalise and not self.norm_after_pool:
                x = local_response_norm(x)
            if i in (1, 2, 5):
                x = max_pool(x, 3, 2, ceil_mode=self.ceil_mode)
            if normalise and self.norm_after_pool:
                x = local_response_norm(x)
        x = adaptive_avg_pool(x, 6).reshape(x.shape[0], -1)
        return self.classify(dense_pair(self, x, train), "fc8")


def dense_pair(network: Network, x: jax.Array, train: bool) -> jax.Array:
    """fc6 and fc7, 4096 wide, each with `network.dropout` before it in training (AlexNet, VGG)."""
    for name in ("fc6", "fc7"):
        x = nn.Dropout(network.dropout, deterministic=not train, name=f"{name}_dropout")(x)
        x = network.act(nn.Dense(4096, dtype=network.dtype, name=name)(x))
    return x


ENTRIES = (
    ModelInfo(
        name="alexnet",
        build=AlexNet,
        paper=ONE_TOWER_PAPER,
        parameters=61_100_840,
        macs=714_188_480,
        stages=STAGES,
        differs="torchvision's: the single tower, narrower, without response normalisation",
    ),
    ModelInfo(
        name="alexnet_2012",
        build=partial(AlexNet, convs=ALEXNET_2012, response_norm=True, image_shape=(227, 227, 3)),
        paper=PAPER,
        parameters=60_965_224,
        macs=724_406_816,
        stages=STAGES,
        input_size=227,
        differs="the two towers are two groups; 227 pixels, which is what the paper's 224 with 55x55 maps needs",
    ),
    ModelInfo(
        name="zfnet",
        build=partial(AlexNet, convs=ZFNET, response_norm=True, norm_after_pool=True, ceil_mode=True),
        paper=ZFNET_PAPER,
        parameters=62_357_608,
        macs=1_168_032_896,
        stages=STAGES,
        differs="response normalisation where the paper says contrast normalisation across maps",
    ),
)
