"""RegNet. Of timm's networks, x_400mf, y_800mf and y_8gf are those whose names end in `_tv`."""

from zoo.models.regnet import TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.transformers_keys import conv_and_norm_rules

_BLOCK = "trunk_output.block{s}.block{s}-{i-1}"

TORCHVISION = KeyMap(
    rules=(
        ("stem/conv", "stem.0"),
        ("stem/bn", "stem.1"),
        *(
            (f"block{{s}}_{{i}}/{ours}/{part}", f"{_BLOCK}.{theirs}.{index}")
            for ours, theirs in (("conv1", "f.a"), ("conv2", "f.b"), ("conv3", "f.c"), ("downsample", "proj"))
            for index, part in enumerate(("conv", "bn"))
        ),
        ("block{s}_{i}/se/{Part}", f"{_BLOCK}.f.se.{{Part}}"),
        ("fc", "fc"),
    )
)

TIMM = KeyMap(
    rules=(
        ("stem/{Part}", "stem.{Part}"),
        ("block{s}_{i}/{Layer}/{Part}", "s{s}.b{i}.{Layer}.{Part}"),
        ("fc", "head.fc"),
    )
)


def _transformers(*, squeeze_excite: bool) -> KeyMap:
    """Squeeze-and-excitation is a layer between the second and the third convolution."""
    layer = "encoder.stages.{s-1}.layers.{i-1}"
    modules = (
        ("stem", "embedder.embedder"),
        ("block{s}_{i}/conv1", f"{layer}.layer.0"),
        ("block{s}_{i}/conv2", f"{layer}.layer.1"),
        ("block{s}_{i}/conv3", f"{layer}.layer.{3 if squeeze_excite else 2}"),
        ("block{s}_{i}/downsample", f"{layer}.shortcut"),
    )
    return KeyMap(
        rules=(
            *conv_and_norm_rules("regnet", modules),
            ("block{s}_{i}/se/fc1", f"regnet.{layer}.layer.2.attention.0"),
            ("block{s}_{i}/se/fc2", f"regnet.{layer}.layer.2.attention.2"),
            ("fc", "classifier.1"),
        )
    )


TRANSFORMERS = {kind: _transformers(squeeze_excite=kind == "y") for kind in "xy"}

KEY_MAPS = {
    name: {"torchvision": TORCHVISION, "timm": TIMM, "transformers": TRANSFORMERS[name.split("_")[1]]} for name in TABLE
}
