"""ResNet and its relatives for CIFAR: a stem without a pool, and three stages at 32x32, 16x16 and 8x8."""

from functools import partial
from typing import Any

from zoo.initializers import InitialValues, he_normal, torch_default, torch_default_bias
from zoo.models.blocks.residual import last_blocks
from zoo.models.cifar_record import cifar_record
from zoo.models.network import ModelInfo, Paper
from zoo.models.resnet import RESNET, RESNEXT, SE, WIDE, ResNet
from zoo.models.resnet_v2 import PAPER as PRE_ACTIVATION
from zoo.models.resnet_v2 import ResNetV2

# He et al. 2015 (arXiv:1502.01852), with the fan-in; the linear layer has torch's default, as in pytorchcv.
INITIAL = InitialValues(kernel=he_normal, dense_kernel=torch_default, dense_bias=torch_default_bias)
WIDTHS = (16, 32, 64)

FOR_SMALL_IMAGES: dict[str, Any] = {
    "widths": WIDTHS,
    "stem_width": WIDTHS[0],
    "bottleneck": False,
    "small_images": True,
    "initial_values": INITIAL,
}
BASIC = partial(ResNet, **FOR_SMALL_IMAGES)
RESNEXT29 = partial(BASIC, widths=(64, 128, 256), stem_width=64, bottleneck=True, groups=32, group_width=4)
PRE_BASIC = partial(ResNetV2, **FOR_SMALL_IMAGES)
WIDE_4 = partial(PRE_BASIC, widths=(64, 128, 256))
WIDE_10 = partial(PRE_BASIC, widths=(160, 320, 640))

# The network, blocks per stage; paper, parameters, multiply-adds.
TABLE: dict[str, tuple[partial[ResNet] | partial[ResNetV2], int, Paper, int, int]] = {
    "resnet20_cifar": (BASIC, 3, RESNET, 272_474, 40_813_184),
    "resnet32_cifar": (BASIC, 5, RESNET, 466_906, 69_124_736),
    "resnet44_cifar": (BASIC, 7, RESNET, 661_338, 97_436_288),
    "resnet56_cifar": (BASIC, 9, RESNET, 855_770, 125_747_840),
    "resnet110_cifar": (BASIC, 18, RESNET, 1_730_714, 253_149_824),
    "seresnet20_cifar": (partial(BASIC, squeeze_excite=True), 3, SE, 274_847, 40_815_200),
    "resnext29_32x4d_cifar": (RESNEXT29, 3, RESNEXT, 4_775_754, 774_055_936),
    "preresnet20_cifar": (PRE_BASIC, 3, PRE_ACTIVATION, 272_282, 40_813_184),
    "preresnet56_cifar": (PRE_BASIC, 9, PRE_ACTIVATION, 855_578, 125_747_840),
    "preresnet110_cifar": (PRE_BASIC, 18, PRE_ACTIVATION, 1_730_522, 253_149_824),
    "preresnet164_cifar": (partial(PRE_BASIC, bottleneck=True), 18, PRE_ACTIVATION, 1_703_258, 247_646_720),
    "wrn_16_4": (WIDE_4, 2, WIDE, 2_748_890, 392_612_352),
    "wrn_28_10": (WIDE_10, 4, WIDE, 36_479_194, 5_243_328_768),
    "wrn_40_4": (WIDE_4, 6, WIDE, 8_949_210, 1_298_582_016),
}


def _entry(name: str) -> ModelInfo:
    build, depth, paper, parameters, macs = TABLE[name]
    depths = (depth,) * 3
    return cifar_record(
        name,
        partial(build, depths=depths),
        paper,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(depths)[1:],  # the first stage has the resolution of the stem
        differs="pytorchcv's: shortcuts are projected where shapes differ; in the paper they are padded "
        "(shortcut=padding)"
        if paper is RESNET
        else "",
    )


ENTRIES = tuple(map(_entry, TABLE))
