"""MnasNet: a mobile network from an architecture search for accuracy and measured latency."""

from functools import partial

import flax.linen as nn

from zoo.initializers import InitialValues, VarianceScaling, he_normal_fan_out
from zoo.layers import Activation
from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.field_types import Momentum
from zoo.models.mobilenet import MobileNetV2
from zoo.models.network import TORCHVISION_V2_CROP, ModelInfo, Paper

PAPER = Paper(
    title="MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    year=2018,
    url="https://arxiv.org/abs/1807.11626",
)

# Kernel, expansion, features, depth, stride of the first block.
MNASNET_B1 = (
    StageSettings(3, 1, 16, 1, 1),
    StageSettings(3, 3, 24, 3, 2),
    StageSettings(5, 3, 40, 3, 2),
    StageSettings(5, 6, 80, 3, 2),
    StageSettings(3, 6, 96, 2, 1),
    StageSettings(5, 6, 192, 4, 2),
    StageSettings(3, 6, 320, 1, 1),
)

# Factor of the width, parameters, multiply-adds.
TABLE = {
    "mnasnet0_5": (0.5, 2_218_512, 104_455_968),
    "mnasnet0_75": (0.75, 3_170_208, 215_493_104),
    "mnasnet1_0": (1.0, 4_383_312, 314_415_872),
    "mnasnet1_3": (1.3, 6_282_256, 526_362_432),
}
# Torchvision trained these with its second recipe.
SECOND_RECIPE = ("mnasnet0_75", "mnasnet1_3")


# Torchvision's: the kernel of the linear layer is uniform in +-sqrt(3 / features).
INITIAL = InitialValues(kernel=he_normal_fan_out, dense_kernel=VarianceScaling(1.0, "fan_out", "uniform"))


class MNASNet(MobileNetV2):
    """Tan et al. 2018: MobileNetV2 with the searched stages, ReLU, and slow running statistics."""

    act: Activation = nn.relu
    stages: tuple[StageSettings, ...] = MNASNET_B1
    momentum: Momentum = 0.9997
    initial_values: InitialValues = INITIAL


def _entry(name: str) -> ModelInfo:
    width, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(MNASNet, width=width),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        crop=TORCHVISION_V2_CROP if name in SECOND_RECIPE else 0.875,
        stages=("block1_1", "block2_3", "block3_3", "block5_2", "conv_last"),
        pyramid=("block1_1", "block2_3", "block3_3", "block5_2", "block7_1"),
        differs="torchvision's: the B1 variant, without squeeze-and-excite (the paper's MnasNet-A1 has it)",
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
