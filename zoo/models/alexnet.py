"""AlexNet (2012, and the single tower of 2014), and ZFNet, which changes its first two convolutions."""

from functools import partial

import flax.linen as nn
import jax

from zoo.initializers import TORCH_DEFAULT, InitialValues, Normal, ones
from zoo.layers import adaptive_avg_pool, local_response_norm, max_pool
from zoo.models.blocks.hidden_dense_layers import hidden_dense_layers
from zoo.models.field_types import Convs, Positions, Probability
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

# One row per convolution: features, kernel, stride, padding, groups; then its output for images of the default size.
ALEXNET = (
    (64, 11, 4, 2, 1),  # [b, 55, 55, 64], pooled [b, 27, 27, 64]
    (192, 5, 1, 2, 1),  # [b, 27, 27, 192], pooled [b, 13, 13, 192]
    (384, 3, 1, 1, 1),  # [b, 13, 13, 384]
    (256, 3, 1, 1, 1),  # [b, 13, 13, 256]
    (256, 3, 1, 1, 1),  # [b, 13, 13, 256], pooled [b, 6, 6, 256]
)
ALEXNET_2012 = (
    (96, 11, 4, 0, 1),  # [b, 55, 55, 96], pooled [b, 27, 27, 96]
    (256, 5, 1, 2, 2),  # [b, 27, 27, 256], pooled [b, 13, 13, 256]
    (384, 3, 1, 1, 1),  # [b, 13, 13, 384]
    (384, 3, 1, 1, 2),  # [b, 13, 13, 384]
    (256, 3, 1, 1, 2),  # [b, 13, 13, 256], pooled [b, 6, 6, 256]
)
ZFNET = (
    (96, 7, 2, 1, 1),  # [b, 110, 110, 96], pooled [b, 55, 55, 96]
    (256, 5, 2, 0, 1),  # [b, 26, 26, 256], pooled [b, 13, 13, 256]
    (384, 3, 1, 1, 1),  # [b, 13, 13, 384]
    (384, 3, 1, 1, 1),  # [b, 13, 13, 384]
    (256, 3, 1, 1, 1),  # [b, 13, 13, 256], pooled [b, 6, 6, 256]
)

STAGES = ("conv1", "conv2", "conv5")

# Section 2 of the paper of 2012: raw pixels, but for their mean. The initial values and response normalisation are for
# that scale: on images of deviation 1 the network of 2012 stays at its constants.
PIXEL_STD = (1 / 255,) * 3
# Section 5 of the paper of 2012, whose biases of 1 give ReLUs positive inputs from the start.
INITIAL_2012 = InitialValues(kernel=Normal(0.01), dense_kernel=Normal(0.01), hidden_bias=ones)
BIASES_OF_ONE_2012 = (2, 4, 5)
# Section 3 of ZFNet's paper: "all weights are initialized to 10^-2 and biases are set to 0".
ZFNET_INITIAL = InitialValues(kernel=Normal(0.01), dense_kernel=Normal(0.01))


class AlexNet(Network):
    """Five convolutions and three dense layers; pools after the first, second and last convolution.

    The input of the dense layers is 6x6 maps: for other image sizes the maps are averaged to 6x6, as in torchvision.
    `response_norm`: local response normalisation after the first two activations, as in the paper; with
    `norm_after_pool`, after the pools that follow them. The convolutions `biases_of_one`,
    counted from 1, have initial biases of 1.
    """

    convs: Convs = ALEXNET
    response_norm: bool = False
    norm_after_pool: bool = False
    ceil_mode: bool = False
    dropout: Probability = 0.5
    initial_values: InitialValues = TORCH_DEFAULT
    biases_of_one: Positions = ()

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        for i, (features, kernel, stride, padding, groups) in enumerate(self.convs, start=1):
            conv = partial(self.conv_blocks(), bias_init=ones) if i in self.biases_of_one else self.conv_blocks()
            x = conv(features, kernel, stride=stride, padding=padding, groups=groups, name=f"conv{i}")(x)
            normalise = self.response_norm and i <= 2
            if normalise and not self.norm_after_pool:
                x = local_response_norm(x)
            if i in (1, 2, 5):
                x = max_pool(x, 3, 2, ceil_mode=self.ceil_mode)
            if normalise and self.norm_after_pool:
                x = local_response_norm(x)
        x = adaptive_avg_pool(x, 6).reshape(x.shape[0], -1)  # [b, 9216]
        hidden = partial(hidden_dense_layers, act=self.act, initial_values=self.initial_values, dtype=self.dtype)
        x = hidden(x, train=train, dropout=self.dropout)  # [b, 4096]
        return self.classify(x, "fc8")


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
        build=partial(
            AlexNet,
            convs=ALEXNET_2012,
            response_norm=True,
            initial_values=INITIAL_2012,
            biases_of_one=BIASES_OF_ONE_2012,
            image_shape=(227, 227, 3),
        ),
        paper=PAPER,
        parameters=60_965_224,
        std=PIXEL_STD,
        macs=724_406_816,
        stages=STAGES,
        input_size=227,
        differs="the two towers are two groups; 227x227 images, which the 55x55 maps of the paper need, not 224x224",
    ),
    ModelInfo(
        name="zfnet",
        build=partial(
            AlexNet, convs=ZFNET, response_norm=True, norm_after_pool=True, ceil_mode=True, initial_values=ZFNET_INITIAL
        ),
        paper=ZFNET_PAPER,
        parameters=62_357_608,
        std=PIXEL_STD,
        macs=1_168_032_896,
        stages=STAGES,
        differs="response normalisation, where the paper says contrast normalisation across maps",
    ),
)
