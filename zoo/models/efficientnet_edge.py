"""EfficientNet-EdgeTPU S, M and L: fused stages, ReLU and no squeeze-and-excite, for an accelerator."""

from functools import partial

import flax.linen as nn

from zoo.initializers import GOOGLE
from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.blocks.round_width import round_width
from zoo.models.efficientnet import HEAD, STEM, EfficientNet, last_blocks, scale_stages
from zoo.models.network import ModelInfo, Paper

PAPER = Paper(
    title="EfficientNet-EdgeTPU: Creating Accelerator-Optimized Neural Networks with AutoML",
    year=2019,
    url="https://research.google/blog/efficientnet-edgetpu-creating-accelerator-optimized-neural-networks-with-automl/",
)

# Kernel, expansion, features, depth, stride of the first block: from the release (tensorflow/tpu).
S = (
    StageSettings(3, 4, 24, 1, 1, fused=True, shortcut=False),
    StageSettings(3, 8, 32, 2, 2, fused=True),
    StageSettings(3, 8, 48, 4, 2, fused=True),
    StageSettings(5, 8, 96, 5, 2),
    StageSettings(5, 8, 144, 4, 1),
    StageSettings(5, 8, 192, 2, 2),
)

# Factors of width and depth, image size, the crop that timm states, parameters, multiply-adds.
TABLE = {
    "efficientnet_es": (1.0, 1.0, 224, 0.875, 5_438_392, 1_788_731_008),
    "efficientnet_em": (1.0, 1.1, 240, 0.882, 6_899_496, 3_013_321_088),
    "efficientnet_el": (1.2, 1.4, 300, 0.904, 10_589_712, 7_936_082_848),
}


def _entry(name: str) -> ModelInfo:
    width, depth, size, crop, parameters, macs = TABLE[name]
    stages = scale_stages(S, width, depth)
    return ModelInfo(
        name=name,
        build=partial(
            EfficientNet,
            stages=stages,
            stem=round_width(STEM * width),
            head=round_width(HEAD * width),
            act=nn.relu,
            squeeze_excite=False,
            initial_values=GOOGLE,
            image_shape=(size, size, 3),
        ),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=last_blocks(stages),
        input_size=size,
        crop=crop,
        interpolation="bicubic",
        differs="timm's: symmetric padding and batch norm with torch's constants, where the release has TensorFlow's",
    )


ENTRIES = tuple(map(_entry, TABLE))
