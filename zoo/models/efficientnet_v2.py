"""EfficientNetV2 S, M and L: EfficientNet with fused early stages."""

from functools import partial

from zoo.models.efficientnet import EfficientNet, Stage, last_blocks
from zoo.models.network import IMAGENET_MEAN, IMAGENET_STD, ModelInfo, Paper

PAPER = Paper(
    title="EfficientNetV2: Smaller Models and Faster Training", year=2021, url="https://arxiv.org/abs/2104.00298"
)

# S is Table 4 of the paper, which leaves M and L to its code.
S = (
    Stage(1, 3, 1, 24, 2, fused=True),
    Stage(4, 3, 2, 48, 4, fused=True),
    Stage(4, 3, 2, 64, 4, fused=True),
    Stage(4, 3, 2, 128, 6),
    Stage(6, 3, 1, 160, 9),
    Stage(6, 3, 2, 256, 15),
)
M = (
    Stage(1, 3, 1, 24, 3, fused=True),
    Stage(4, 3, 2, 48, 5, fused=True),
    Stage(4, 3, 2, 80, 5, fused=True),
    Stage(4, 3, 2, 160, 7),
    Stage(6, 3, 1, 176, 14),
    Stage(6, 3, 2, 304, 18),
    Stage(6, 3, 1, 512, 5),
)
L = (
    Stage(1, 3, 1, 32, 4, fused=True),
    Stage(4, 3, 2, 64, 7, fused=True),
    Stage(4, 3, 2, 96, 7, fused=True),
    Stage(4, 3, 2, 192, 10),
    Stage(6, 3, 1, 224, 19),
    Stage(6, 3, 2, 384, 25),
    Stage(6, 3, 1, 640, 7),
)

# Stages, image size, dropout, mean and standard deviation, parameters, multiply-adds.
TABLE = {
    "s": (S, 384, 0.2, (IMAGENET_MEAN, IMAGENET_STD), 21_458_488, 8_365_617_152),
    "m": (M, 480, 0.3, (IMAGENET_MEAN, IMAGENET_STD), 54_139_356, 24_582_460_384),
    "l": (L, 480, 0.4, ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), 118_515_272, 56_079_699_008),
}


def _entry(name: str) -> ModelInfo:
    stages, size, dropout, (mean, std), parameters, macs = TABLE[name]
    return ModelInfo(
        name=f"efficientnet_v2_{name}",
        build=partial(
            EfficientNet,
            stages=stages,
            stem=stages[0].width,
            epsilon=1e-3,
            dropout=dropout,
            image_shape=(size, size, 3),
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(stages),
        input_size=size,
        mean=mean,
        std=std,
        crop=1.0,
        interpolation="bicubic" if name == "l" else "bilinear",
        differs="torchvision's: symmetric padding where the release pads as TensorFlow",
    )


ENTRIES = tuple(map(_entry, TABLE))
