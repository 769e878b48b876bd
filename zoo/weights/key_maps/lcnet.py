"""PP-LCNet. timm has the keys of MobileNet V1; its first dense layer is a convolution."""

from zoo.models.lcnet import TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.mobilenet import TIMM_V1

TIMM = KeyMap(
    rules=(
        ("block{s}_{i}/se/fc1", "blocks.{s-1}.{i-1}.se.conv_reduce"),
        ("block{s}_{i}/se/fc2", "blocks.{s-1}.{i-1}.se.conv_expand"),
        ("fc1", "conv_head"),
        ("fc2", "classifier"),
        *TIMM_V1.rules,
    ),
    convolved=("fc1",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
