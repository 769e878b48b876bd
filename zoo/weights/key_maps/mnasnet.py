"""MnasNet."""

from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.mobilenet import TIMM

# Torch numbers the stem, the block without expansion and the last convolution one by one, activations included.
TORCHVISION = KeyMap(
    (
        ("conv1/conv", "layers.0"),
        ("conv1/bn", "layers.1"),
        ("block1_1/depthwise/conv", "layers.3"),
        ("block1_1/depthwise/bn", "layers.4"),
        ("block1_1/project/conv", "layers.6"),
        ("block1_1/project/bn", "layers.7"),
        ("block{s}_{i}/expand/conv", "layers.{s+6}.{i-1}.layers.0"),
        ("block{s}_{i}/expand/bn", "layers.{s+6}.{i-1}.layers.1"),
        ("block{s}_{i}/depthwise/conv", "layers.{s+6}.{i-1}.layers.3"),
        ("block{s}_{i}/depthwise/bn", "layers.{s+6}.{i-1}.layers.4"),
        ("block{s}_{i}/project/conv", "layers.{s+6}.{i-1}.layers.6"),
        ("block{s}_{i}/project/bn", "layers.{s+6}.{i-1}.layers.7"),
        ("conv_last/conv", "layers.14"),
        ("conv_last/bn", "layers.15"),
        ("fc", "classifier.1"),
    )
)

# timm has no network of width 1.3.
KEY_MAPS = {name: {"torchvision": TORCHVISION, "timm": TIMM} for name in ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0")}
KEY_MAPS["mnasnet1_3"] = {"torchvision": TORCHVISION}
