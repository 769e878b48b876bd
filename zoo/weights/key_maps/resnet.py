"""ResNet, ResNeXt and Wide ResNet. timm has torchvision's names."""

from zoo.models.resnet import KERAS_TABLE, TABLE
from zoo.weights.key_map import KeyMap

TORCHVISION = KeyMap(
    rules=(
        ("conv1/conv", "conv1"),
        ("conv1/bn", "bn1"),
        ("conv{s}_{b}/conv{i}/conv", "layer{s-1}.{b-1}.conv{i}"),
        ("conv{s}_{b}/conv{i}/bn", "layer{s-1}.{b-1}.bn{i}"),
        ("conv{s}_{b}/downsample/conv", "layer{s-1}.{b-1}.downsample.0"),
        ("conv{s}_{b}/downsample/bn", "layer{s-1}.{b-1}.downsample.1"),
        ("conv{s}_{b}/se/{Layer}", "layer{s-1}.{b-1}.se.{Layer}"),
        ("fc", "fc"),
    )
)

KERAS = KeyMap(
    rules=(
        ("conv1/{Part}", "conv1_{Part}"),
        ("conv{s}_{b}/conv{i}/{Part}", "conv{s}_block{b}_{i}_{Part}"),
        ("conv{s}_{b}/downsample/{Part}", "conv{s}_block{b}_0_{Part}"),
        ("fc", "predictions"),
    ),
    bgr="conv1/conv",
)

KEY_MAPS = {
    **{name: {"torchvision": TORCHVISION, "timm": TORCHVISION} for name in TABLE},
    "seresnet50": {"timm": TORCHVISION},
    **{name: {"keras": KERAS} for name in KERAS_TABLE},
}
