"""ResNet and its relatives for CIFAR, and PyramidNet, in pytorchcv."""

from zoo.models.pyramidnet import TABLE as PYRAMID_TABLE
from zoo.models.resnet_cifar import TABLE, ResNet
from zoo.weights.key_map import KeyMap

UNIT = "features.stage{s-1}.unit{b}"
PRE_ACTIVATION_RULES = (
    ("conv1", "features.init_block"),
    ("conv{s}_{b}/conv{i}", f"{UNIT}.body.conv{{i}}.conv"),
    ("conv{s}_{b}/bn{i}", f"{UNIT}.body.conv{{i}}.bn"),
    ("conv{s}_{b}/downsample", f"{UNIT}.identity_conv"),
    ("bn", "features.post_activ.bn"),
    ("fc", "output"),
)

RESNET = KeyMap(
    rules=(
        ("conv1/{Part}", "features.init_block.{Part}"),
        ("conv{s}_{b}/conv{i}/{Part}", f"{UNIT}.body.conv{{i}}.{{Part}}"),
        ("conv{s}_{b}/downsample/{Part}", f"{UNIT}.identity_conv.{{Part}}"),
        ("conv{s}_{b}/se/fc{i}", f"{UNIT}.se.conv{{i}}"),
        ("fc", "output"),
    )
)
PRE_ACTIVATION = KeyMap(rules=PRE_ACTIVATION_RULES)
PYRAMIDNET = KeyMap(
    rules=(
        ("conv1", "features.init_block.conv"),
        ("bn1", "features.init_block.bn"),
        ("conv{s}_{b}/bn3", f"{UNIT}.bn"),
        *PRE_ACTIVATION_RULES,
    )
)

KEY_MAPS = {
    **{name: {"pytorchcv": RESNET if build.func is ResNet else PRE_ACTIVATION} for name, (build, *_) in TABLE.items()},
    **{name: {"pytorchcv": PYRAMIDNET} for name in PYRAMID_TABLE},
}
