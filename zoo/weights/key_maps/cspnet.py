"""Darknet and cross stage partial networks."""

from zoo.models.cspnet import TABLE
from zoo.weights.key_map import KeyMap

TIMM = KeyMap(
    rules=(
        ("stem/{Part}", "stem.conv1.{Part}"),
        *(
            (f"stage{{s}}/{ours}/{{Part}}", f"stages.{{s-1}}.{theirs}.{{Part}}")
            for ours, theirs in (
                ("downsample", "conv_down"),
                ("expand", "conv_exp"),
                ("transition_blocks", "conv_transition_b"),
                ("transition", "conv_transition"),
                ("block{b}/conv{i}", "blocks.{b-1}.conv{i}"),
            )
        ),
        ("fc", "head.fc"),
    )
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
