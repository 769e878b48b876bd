"""EfficientNetV2 S, M and L: EfficientNet whose early stages are fused."""

from functools import partial

from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.efficientnet import EfficientNet, last_blocks
from zoo.models.network import IMAGENET_MEAN, IMAGENET_STD, ModelInfo, Paper

PAPER = Paper(
    title="EfficientNetV2: Smaller Models and Faster Training", year=2021, url="https://arxiv.org/abs/2104.00298"
)

# Kernel, expansion, features, depth, stride of the first block. S is Table 4 of the paper, M and L are in its code.
S = (
    StageSettings(3, 1, 24, 2, 1, fused=True),
    StageSettings(3, 4, 48, 4, 2, fused=True),
    StageSettings(3, 4, 64, 4, 2, fused=True),
    StageSettings(3, 4, 128, 6, 2),
    StageSettings(3, 6, 160, 9, 1),
    StageSettings(3, 6, 256, 15, 2),
)
M = (
    StageSettings(3, 1, 24, 3, 1, fused=True),
    StageSettings(3, 4, 48, 5, 2, fused=True),
    StageSettings(3, 4, 80, 5, 2, fused=True),
    StageSettings(3, 4, 160, 7, 2),
    StageSettings(3, 6, 176, 14, 1),
    StageSettings(3, 6, 304, 18, 2),
    StageSettings(3, 6, 512, 5, 1),
)
L = (
    StageSettings(3, 1, 32, 4, 1, fused=True),
    StageSettings(3, 4, 64, 7, 2, fused=True),
    StageSettings(3, 4, 96, 7, 2, fused=True),
    StageSettings(3, 4, 192, 10, 2),
    StageSettings(3, 6, 224, 19, 1),
    StageSettings(3, 6, 384, 25, 2),
    StageSettings(3, 6, 640, 7, 1),
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
            stem=stages[0].features,
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
        differs="torchvision's: symmetric padding, where the release pads as TensorFlow",
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
