"""RegNet. Of timm's networks, x_400mf, y_800mf and y_8gf are those whose names end in `_tv`."""

from zoo.models.regnet import TABLE
from zoo.weights.key_map import KeyMap

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

KEY_MAPS = {name: {"torchvision": TORCHVISION, "timm": TIMM} for name in TABLE}
