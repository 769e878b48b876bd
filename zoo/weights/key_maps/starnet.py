"""StarNet, as in timm: the first layer of a stage is the one that halves the resolution."""

from zoo.models.starnet import TABLE
from zoo.weights.key_map import KeyMap

TIMM = KeyMap(
    rules=(
        ("stem/{Part}", "stem.0.{Part}"),
        ("downsample{s}/{Part}", "stages.{s-1}.0.{Part}"),
        ("block{s}_{i}/{Layer}/{Part}", "stages.{s-1}.{i}.{Layer}.{Part}"),
        ("norm", "norm"),
        ("fc", "head"),
    )
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
