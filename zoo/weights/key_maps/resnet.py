"""ResNet, ResNeXt, Wide ResNet and ResNet-D. timm has torchvision's names."""

from zoo.models.resnet import TABLE
from zoo.models.resnet_d import TABLE as D_TABLE
from zoo.models.resnet_keras import TABLE as KERAS_TABLE
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

# The stem is a sequence with activations between, and the average pool comes first in `downsample`.
TIMM_D = KeyMap(
    rules=(
        ("conv1_1/conv", "conv1.0"),
        ("conv1_1/bn", "conv1.1"),
        ("conv1_2/conv", "conv1.3"),
        ("conv1_2/bn", "conv1.4"),
        ("conv1_3/conv", "conv1.6"),
        ("conv1_3/bn", "bn1"),
        ("pool/conv", "maxpool.0"),
        ("pool/bn", "maxpool.1"),
        ("conv{s}_{b}/downsample/conv", "layer{s-1}.{b-1}.downsample.1"),
        ("conv{s}_{b}/downsample/bn", "layer{s-1}.{b-1}.downsample.2"),
        ("conv{s}_{b}/eca/conv", "layer{s-1}.{b-1}.se.conv"),
        *TORCHVISION.rules,
    ),
    one_dimensional=("conv{s}_{b}/eca/conv",),
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
    **{name: {"timm": TORCHVISION} for name in TABLE if name.startswith("se")},
    **{name: {"timm": TIMM_D} for name in D_TABLE},
    **{name: {"keras": KERAS} for name in KERAS_TABLE},
}
