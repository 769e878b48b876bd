"""EfficientNet-Lite 0 to 4: EfficientNet for quantised inference, with ReLU6 and without squeeze-and-excite."""

from functools import partial

import jax

from zoo.initializers import GOOGLE
from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.efficientnet import B0, EfficientNet, last_blocks, scale_stages
from zoo.models.network import ModelInfo, Paper

PAPER = Paper(
    title="Higher accuracy on vision models with EfficientNet-Lite",
    year=2020,
    url="https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html",
)

# The release resizes images to the image size plus BORDER pixels, then crops half of it on each side.
BORDER = 32
# Factors of width and depth, image size, dropout, parameters, multiply-adds.
TABLE = {
    "lite0": (1.0, 1.0, 224, 0.2, 4_652_008, 385_187_552),
    "lite1": (1.0, 1.1, 240, 0.2, 5_416_680, 600_185_232),
    "lite2": (1.1, 1.2, 260, 0.3, 6_092_072, 859_736_272),
    "lite3": (1.2, 1.4, 280, 0.3, 8_197_096, 1_383_321_872),
    "lite4": (1.4, 1.8, 300, 0.3, 13_006_568, 2_553_034_336),
}

# The release subtracts 127 from pixels in 0..255 and divides by 128.
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3


def scale_lite_stages(width: float, depth: float) -> tuple[StageSettings, ...]:
    """The stages of B0 scaled by the factors `width` and `depth`; the first and last stage keep their depth."""
    first, *_, last = scale_stages(B0, width, 1.0)
    return (first, *scale_stages(B0[1:-1], width, depth), last)


def _entry(name: str) -> ModelInfo:
    width, depth, size, dropout, parameters, macs = TABLE[name]
    stages = scale_lite_stages(width, depth)
    return ModelInfo(
        name=f"efficientnet_{name}",
        build=partial(
            EfficientNet,
            stages=stages,
            act=jax.nn.relu6,
            squeeze_excite=False,
            same_padding=True,
            epsilon=1e-3,
            momentum=0.99,
            dropout=dropout,
            initial_values=GOOGLE,
            image_shape=(size, size, 3),
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(stages),
        input_size=size,
        mean=MEAN,
        std=STD,
        crop=size / (size + BORDER),
        interpolation="bicubic",
    )


ENTRIES = tuple(_entry(name) for name in TABLE)
