"""DenseNet. Timm kept torchvision's names."""

from zoo.models.densenet import TABLE
from zoo.weights.key_map import KeyMap

TORCHVISION = KeyMap(
    rules=(
        ("conv1/conv", "features.conv0"),
        ("conv1/bn", "features.norm0"),
        ("dense_block{s}/layer{i}/conv{k}", "features.denseblock{s}.denselayer{i}.conv{k}"),
        ("dense_block{s}/layer{i}/bn{k}", "features.denseblock{s}.denselayer{i}.norm{k}"),
        ("transition{s}/conv", "features.transition{s}.conv"),
        ("transition{s}/bn", "features.transition{s}.norm"),
        ("bn", "features.norm5"),
        ("fc", "classifier"),
    )
)

KEY_MAPS = {name: {"torchvision": TORCHVISION, "timm": TORCHVISION} for name in TABLE}
