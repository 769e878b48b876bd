"""RegNetZ. timm's networks with a stem of one convolution do not number it."""

from zoo.models.regnetz import TABLE
from zoo.weights.key_map import KeyMap

_RULES = (
    ("stem{i}/{Part}", "stem.conv{i}.{Part}"),
    *(
        (f"block{{s}}_{{i}}/{ours}/{{Part}}", f"stages.{{s-1}}.{{i-1}}.{theirs}.{{Part}}")
        for ours, theirs in (
            ("expand", "conv1_1x1"),
            ("depthwise", "conv2_kxk"),
            ("se", "attn"),
            ("project", "conv3_1x1"),
        )
    ),
    ("head/{Part}", "final_conv.{Part}"),
    ("fc", "head.fc"),
)
TIERED = KeyMap(rules=_RULES)
PLAIN = KeyMap(rules=(("stem1/{Part}", "stem.{Part}"), *_RULES))

KEY_MAPS = {name: {"timm": TIERED if "_d" in name else PLAIN} for name in TABLE}
