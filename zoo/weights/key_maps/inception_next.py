"""InceptionNeXt, as in timm. Its pointwise layers are convolutions there."""

from zoo.models.inception_next import TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.convnext import TIMM_RULES

TIMM = KeyMap(
    rules=(
        *(
            (f"block{{s}}_{{i}}/dwconv/{ours}", f"stages.{{s-1}}.blocks.{{i-1}}.token_mixer.dwconv_{theirs}")
            for ours, theirs in (("square", "hw"), ("horizontal", "w"), ("vertical", "h"))
        ),
        ("fc{k}", "head.fc{k}"),
        *TIMM_RULES,
    ),
    convolved=("block{s}_{i}/pwconv{k}",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
