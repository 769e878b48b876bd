"""Aligned Xception. timm has one sequence of blocks, and in it stacks of separable convolutions."""

from zoo.models.xception_aligned import TABLE
from zoo.weights.key_map import KeyMap

TIMM = KeyMap(
    rules=(
        ("stem{i}/{Part}", "stem.{i-1}.{Part}"),
        *(
            (f"block{{b}}/sepconv{{i}}_{ours}/{part}", f"blocks.{{b-1}}.stack.conv{{i}}.{part}_{theirs}")
            for ours, theirs in (("depthwise", "dw"), ("pointwise", "pw"))
            for part in ("conv", "bn")
        ),
        ("block{b}/shortcut/{Part}", "blocks.{b-1}.shortcut.{Part}"),
        ("fc", "head.fc"),
    )
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
