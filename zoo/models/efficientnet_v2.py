"""EfficientNetV2: EfficientNet whose early stages are fused."""

from functools import partial

from zoo.initializers import GOOGLE
from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.efficientnet import HEAD, EfficientNet, last_blocks, scale_stages
from zoo.models.network import IMAGENET_MEAN, IMAGENET_STD, ModelInfo, Paper
from zoo.runtime.record_types import Fit

PAPER = Paper(
    title="EfficientNetV2: Smaller Models and Faster Training", year=2021, url="https://arxiv.org/abs/2104.00298"
)

# Kernel, expansion, features, depth, stride of the first block. S is Table 4 of the paper, the others are in its code.
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

XL = (
    StageSettings(3, 1, 32, 4, 1, fused=True),
    StageSettings(3, 4, 64, 8, 2, fused=True),
    StageSettings(3, 4, 96, 8, 2, fused=True),
    StageSettings(3, 4, 192, 16, 2),
    StageSettings(3, 6, 256, 24, 1),
    StageSettings(3, 6, 512, 32, 2),
    StageSettings(3, 6, 640, 8, 1),
)
B0 = (
    StageSettings(3, 1, 16, 1, 1, fused=True),
    StageSettings(3, 4, 32, 2, 2, fused=True),
    StageSettings(3, 4, 48, 2, 2, fused=True),
    StageSettings(3, 4, 96, 3, 2),
    StageSettings(3, 6, 112, 5, 1),
    StageSettings(3, 6, 192, 8, 2),
)

IMAGENET = (IMAGENET_MEAN, IMAGENET_STD)
HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

# Torchvision's: stages, image size, dropout, mean and standard deviation, parameters, multiply-adds.
TABLE = {
    "s": (S, 384, 0.2, IMAGENET, 21_458_488, 8_365_617_152),
    "m": (M, 480, 0.3, IMAGENET, 54_139_356, 24_582_460_384),
    "l": (L, 480, 0.4, HALVES, 118_515_272, 56_079_699_008),
}


def scale_b0(width: float, depth: float) -> tuple[StageSettings, ...]:
    """The stages of B0 scaled by the factors `width` and `depth`, with features rounded to the nearest."""
    return scale_stages(B0, width, depth, least=0.0)


RESIZE: Fit = "resize"
SQUASH: Fit = "squash"
# The release's: stages, features of the stem and of the head, the size of the images that it trained with, timm's way
# to fit and crop images, dropout, mean and standard deviation, parameters, multiply-adds.
RELEASED = {
    "b0": (B0, 32, HEAD, 192, (RESIZE, 0.875), 0.2, IMAGENET, 7_139_704, 528_186_752),
    "b1": (scale_b0(1.0, 1.1), 32, HEAD, 192, (RESIZE, 0.882), 0.2, IMAGENET, 8_141_052, 747_003_008),
    "b2": (scale_b0(1.1, 1.2), 32, 1408, 208, (RESIZE, 0.89), 0.3, IMAGENET, 10_096_086, 1_043_476_528),
    "b3": (scale_b0(1.2, 1.4), 40, 1536, 240, (SQUASH, 0.9), 0.3, HALVES, 14_358_406, 1_908_036_640),
    "s": (S, 24, HEAD, 300, (RESIZE, 1.0), 0.2, HALVES, 21_458_488, 5_307_561_248),
    "m": (M, 24, HEAD, 384, (SQUASH, 1.0), 0.3, HALVES, 54_139_356, 15_736_775_680),
    "l": (L, 32, HEAD, 384, (SQUASH, 1.0), 0.4, HALVES, 118_515_272, 35_899_418_624),
    "xl": (XL, 32, HEAD, 384, (SQUASH, 1.0), 0.4, HALVES, 208_119_808, 52_529_254_400),
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


def _released_entry(name: str) -> ModelInfo:
    stages, stem, head, size, (fit, crop), dropout, (mean, std), parameters, macs = RELEASED[name]
    return ModelInfo(
        name=f"efficientnet_v2_{name}_tf",
        build=partial(
            EfficientNet,
            stages=stages,
            stem=stem,
            head=head,
            same_padding=True,
            epsilon=1e-3,
            dropout=dropout,
            initial_values=GOOGLE,
            image_shape=(size, size, 3),
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(stages),
        input_size=size,
        mean=mean,
        std=std,
        fit=fit,
        crop=crop,
        interpolation="bicubic",
    )


ENTRIES = (*map(_entry, TABLE), *map(_released_entry, RELEASED))
