"""MnasNet: the mobile network that a search for accuracy and measured latency found."""

from functools import partial

import flax.linen as nn

from zoo.layers import Activation
from zoo.models.mobilenet import MobileNetV2, Row
from zoo.models.network import CROP_OF_232, ModelInfo, Paper

PAPER = Paper(
    title="MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    year=2018,
    url="https://arxiv.org/abs/1807.11626",
)

# MnasNet-B1, a row a run of blocks: kernel, expansion, features, depth, stride of the first block.
ROWS: tuple[Row, ...] = (
    (3, 1, 16, 1, 1),
    (3, 3, 24, 3, 2),
    (5, 3, 40, 3, 2),
    (5, 6, 80, 3, 2),
    (3, 6, 96, 2, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)

# Width, parameters, multiply-adds.
TABLE = {
    "mnasnet0_5": (0.5, 2_218_512, 104_455_968),
    "mnasnet0_75": (0.75, 3_170_208, 215_493_104),
    "mnasnet1_0": (1.0, 4_383_312, 314_415_872),
    "mnasnet1_3": (1.3, 6_282_256, 526_362_432),
}
# Those that torchvision trained later than the others.
SECOND_RECIPE = ("mnasnet0_75", "mnasnet1_3")


class MNASNet(MobileNetV2):
    """Tan et al. 2018: MobileNetV2's frame with the searched rows, ReLU, and a slow average of the statistics."""

    act: Activation = nn.relu
    rows: tuple[Row, ...] = ROWS
    momentum: float = 0.9997


def _entry(name: str) -> ModelInfo:
    width, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(MNASNet, width=width),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=CROP_OF_232 if name in SECOND_RECIPE else 0.875,
        stages=("block1_1", "block2_3", "block3_3", "block5_2", "conv_last"),
        differs="torchvision's: the B1 variant, searched without squeeze-and-excite (the paper's MnasNet-A1 has it)",
    )


ENTRIES = tuple(map(_entry, TABLE))
