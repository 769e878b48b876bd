"""RepVGG and MobileOne: timm's names of the parallel branches, and of the convolution that they become."""

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


def _one_convolution(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    """The rules of a block whose branches are joined."""
    yield f"{ours}/conv/conv", f"{theirs}.reparam_conv"
    yield f"{ours}/se/{{Part}}", f"{theirs}.attn.{{Part}}"


REPVGG_BLOCKS = (("stage1_1", "stem"), ("stage{s}_{b}", "stages.{s-2}.{b-1}"))
# Depthwise and pointwise convolutions are counted alike.
MOBILEONE_BLOCKS = (
    ("stage1", "stem"),
    *(
        (f"stage{{s}}_{block + 1}_{kind}", f"stages.{{s-2}}.{position}")
        for block in range(max(DEPTHS))
        for position, kind in enumerate(("depthwise", "pointwise"), start=2 * block)
    ),
)


def _key_maps(blocks: tuple[tuple[str, str], ...], equal: str, smaller: str) -> dict[str, KeyMap]:
    head = ("fc", "head.fc")
    branches = (rule for block in blocks for rule in _branches(*block, equal, smaller))
    joined = (rule for block in blocks for rule in _one_convolution(*block))
    return {
        "timm": KeyMap((*branches, head)),
        # After timm's reparameterize_model.
        "timm_reparameterized": KeyMap((*joined, head), fields={"folded": True}),
    }


KEY_MAPS = {
    **dict.fromkeys(TABLE, _key_maps(REPVGG_BLOCKS, "conv_kxk", "conv_1x1")),
    **dict.fromkeys(MOBILEONE, _key_maps(MOBILEONE_BLOCKS, "conv_kxk.{i-1}", "conv_scale")),
}
