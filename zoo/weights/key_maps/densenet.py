"""DenseNet. Timm kept torchvision's names; Keras counts stages from the stem; pytorchcv has the networks for CIFAR."""

from zoo.models.densenet import CIFAR_TABLE, KERAS_NAMES, TABLE
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

KERAS = KeyMap(
    rules=(
        ("conv1/{Part}", "conv1_{Part}"),
        ("dense_block{s}/layer{i}/conv{k}", "conv{s+1}_block{i}_{k}_conv"),
        ("dense_block{s}/layer{i}/bn1", "conv{s+1}_block{i}_0_bn"),
        ("dense_block{s}/layer{i}/bn2", "conv{s+1}_block{i}_1_bn"),
        ("transition{s}/{Part}", "pool{s+1}_{Part}"),
        ("bn", "bn"),
        ("fc", "predictions"),
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
    **{f"{name}_keras": {"keras": KERAS} for name in KERAS_NAMES},
    **{name: {"pytorchcv": _pytorchcv(bottleneck)} for name, (_, _, bottleneck, *_) in CIFAR_TABLE.items()},
}
