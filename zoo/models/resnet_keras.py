"""ResNet as in Keras: the first convolution of a bottleneck has its stride, and all convolutions have biases."""

from functools import partial

from zoo.initializers import KERAS_DEFAULT
from zoo.layers import batch_norm
from zoo.models.blocks.residual import last_blocks
from zoo.models.network import ModelInfo
from zoo.models.resnet import DEPTHS, RESNET, ResNet

# Layers, parameters, multiply-adds.
TABLE = {
    "resnet50_keras": (50, 25_583_592, 3_857_973_248),
    "resnet101_keras": (101, 44_601_832, 7_570_194_432),
    "resnet152_keras": (152, 60_268_520, 11_282_415_616),
}


def _entry(name: str) -> ModelInfo:
    depth, parameters, macs = TABLE[name]
    norm = partial(batch_norm, epsilon=1.001e-5, momentum=0.99)
    return ModelInfo(
        name=name,
        build=partial(
            ResNet,
            depths=DEPTHS[depth],
            stride_on_1x1=True,
            use_bias=True,
            norm=norm,
            initial_values=KERAS_DEFAULT,
        ),
        paper=RESNET,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(DEPTHS[depth]),
        mean=(123.68 / 255, 116.779 / 255, 103.939 / 255),
        std=(1 / 255,) * 3,
        differs="Keras's: convolutions have biases, although batch normalisation follows",
    )


ENTRIES = tuple(map(_entry, TABLE))
