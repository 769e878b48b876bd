"""DenseNet. Timm kept torchvision's names; pytorchcv has the networks for CIFAR."""

from zoo.models.densenet import CIFAR_TABLE, TABLE
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


def _pytorchcv(bottleneck: bool) -> KeyMap:
    conv = "conv{k}" if bottleneck else "conv"
    return KeyMap(
        rules=(
            ("conv1", "features.init_block"),
            ("dense_block{s}/layer{i}/conv{k}", f"features.stage{{s}}.unit{{i}}.{conv}.conv"),
            ("dense_block{s}/layer{i}/bn{k}", f"features.stage{{s}}.unit{{i}}.{conv}.bn"),
            ("transition{s}/{Part}", "features.stage{s+1}.trans{s+1}.conv.{Part}"),
            ("bn", "features.post_activ.bn"),
            ("fc", "output"),
        )
    )


KEY_MAPS = {
    **{name: {"torchvision": TORCHVISION, "timm": TORCHVISION} for name in TABLE},
    **{name: {"pytorchcv": _pytorchcv(bottleneck)} for name, (_, _, bottleneck, *_) in CIFAR_TABLE.items()},
}
