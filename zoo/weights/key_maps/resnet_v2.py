"""ResNet v2 and Big Transfer. timm's classifier is a 1x1 convolution."""

from zoo.models.resnet_v2 import BIT_TABLE, TABLE
from zoo.weights.key_map import KeyMap

TIMM = KeyMap(
    rules=(
        ("conv1", "stem.conv"),
        ("conv{s}_{b}/bn{i}", "stages.{s-2}.blocks.{b-1}.norm{i}"),
        ("conv{s}_{b}/conv{i}", "stages.{s-2}.blocks.{b-1}.conv{i}"),
        ("conv{s}_{b}/downsample", "stages.{s-2}.blocks.{b-1}.downsample.conv"),
        ("bn", "norm"),
        ("fc", "head.fc"),
    ),
    convolved=("fc",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in (*TABLE, *BIT_TABLE)}
