"""ResNet-D, ECA-Net and ResNet-RS: a stem of three convolutions, and shortcuts that average before they project."""

from functools import partial

from zoo.models.blocks.residual import last_blocks
from zoo.models.network import ModelInfo, Paper
from zoo.models.resnet import DEPTHS, ResNet

TRICKS = Paper(
    title="Bag of Tricks for Image Classification with Convolutional Neural Networks",
    year=2018,
    url="https://arxiv.org/abs/1812.01187",
)
ECA = Paper(
    title="ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks",
    year=2019,
    url="https://arxiv.org/abs/1910.03151",
)
RS = Paper(
    title="Revisiting ResNets: Improved Training and Scaling Strategies",
    year=2021,
    url="https://arxiv.org/abs/2103.07579",
)

RESNET_D = partial(ResNet, deep_stem=True, shortcut="pooling", zero_init_residual=True)
BASIC_D = partial(RESNET_D, bottleneck=False)
ECA_D = partial(RESNET_D, efficient_attention=True)
RESNET_RS = partial(RESNET_D, squeeze_excite=True, squeeze_ratio=4, conv_pool=True)

# The network, blocks per stage, paper; image size, crop, parameters, multiply-adds. Timm's, but for the crop's source.
TABLE = {
    "resnet18d": (BASIC_D, DEPTHS[18], TRICKS, 224, 0.875, 11_708_744, 2_053_713_920),
    "resnet26d": (RESNET_D, (2, 2, 2, 2), TRICKS, 224, 0.875, 16_014_408, 2_581_897_216),
    "resnet34d": (BASIC_D, DEPTHS[34], TRICKS, 224, 0.875, 21_816_904, 3_903_401_984),
    "resnet50d": (RESNET_D, DEPTHS[50], TRICKS, 224, 0.875, 25_576_264, 4_328_824_832),
    "resnet101d": (RESNET_D, DEPTHS[101], TRICKS, 256, 0.95, 44_568_392, 10_501_963_776),
    "resnet152d": (RESNET_D, DEPTHS[152], TRICKS, 256, 0.95, 60_212_040, 15_350_579_200),
    "resnet200d": (RESNET_D, (3, 24, 36, 3), TRICKS, 256, 0.95, 64_693_064, 19_913_981_952),
    "ecaresnet50d": (ECA_D, DEPTHS[50], ECA, 224, 0.875, 25_576_350, 4_328_912_640),
    "ecaresnet101d": (ECA_D, DEPTHS[101], ECA, 224, 0.875, 44_568_563, 8_041_220_864),
    "resnetrs50": (RESNET_RS, DEPTHS[50], RS, 160, 0.91, 35_691_912, 2_278_629_376),
    "resnetrs101": (RESNET_RS, DEPTHS[101], RS, 192, 0.94, 63_618_696, 6_012_157_952),
}


def _entry(name: str) -> ModelInfo:
    build, depths, paper, size, crop, parameters, macs = TABLE[name]
    return ModelInfo(
        name=name,
        build=partial(build, depths=depths, image_shape=(size, size, 3)),
        paper=paper,
        parameters=parameters,
        macs=macs,
        stages=("conv1_3", *last_blocks(depths)[1:]),
        input_size=size,
        crop=crop,
        interpolation="bicubic",
    )


ENTRIES = tuple(map(_entry, TABLE))
