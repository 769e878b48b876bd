"""RepVGG and MobileOne: timm's names of the parallel branches."""

from collections.abc import Iterator

from zoo.models.mobileone import DEPTHS
from zoo.models.mobileone import TABLE as MOBILEONE
from zoo.models.repvgg import TABLE
from zoo.weights.key_map import KeyMap


def _branches(ours: str, theirs: str, equal: str, smaller: str) -> Iterator[tuple[str, str]]:
    """The rules of a block; `equal` is the name of its first convolution there, `smaller` that of the 1x1."""
    yield f"{ours}/conv_1x1/{{Part}}", f"{theirs}.{smaller}.{{Part}}"
    yield f"{ours}/conv{{i}}/{{Part}}", f"{theirs}.{equal}.{{Part}}"
    yield f"{ours}/identity", f"{theirs}.identity"
    yield f"{ours}/se/{{Part}}", f"{theirs}.attn.{{Part}}"


REPVGG_TIMM = KeyMap(
    rules=(
        *_branches("stage1_1", "stem", "conv_kxk", "conv_1x1"),
        *_branches("stage{s}_{b}", "stages.{s-2}.{b-1}", "conv_kxk", "conv_1x1"),
        ("fc", "head.fc"),
    )
)

# Depthwise and pointwise convolutions are counted alike.
MOBILEONE_TIMM = KeyMap(
    rules=(
        *_branches("stage1", "stem", "conv_kxk.{i-1}", "conv_scale"),
        *(
            rule
            for block in range(max(DEPTHS))
            for position, kind in enumerate(("depthwise", "pointwise"), start=2 * block)
            for rule in _branches(
                f"stage{{s}}_{block + 1}_{kind}", f"stages.{{s-2}}.{position}", "conv_kxk.{i-1}", "conv_scale"
            )
        ),
        ("fc", "head.fc"),
    )
)

KEY_MAPS = {
    **{name: {"timm": REPVGG_TIMM} for name in TABLE},
    **{name: {"timm": MOBILEONE_TIMM} for name in MOBILEONE},
}
