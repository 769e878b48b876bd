"""MobileNet V4. timm names the parts of a block by its kind."""

from collections.abc import Iterator

from zoo.models.mobilenet_v4 import TABLE, ConvRow, FusedRow, Stages, expand_rows
from zoo.weights.key_map import KeyMap

BOTTLENECK = {"start": "dw_start", "expand": "pw_exp", "middle": "dw_mid", "project": "pw_proj"}


def _timm(stages: Stages) -> Iterator[tuple[str, str]]:
    yield "stem/conv", "conv_stem"
    yield "stem/bn", "bn1"
    for s, rows in enumerate(stages):
        for i, row in enumerate(expand_rows(rows)):
            ours, theirs = f"block{s + 1}_{i + 1}", f"blocks.{s}.{i}"
            if isinstance(row, ConvRow):
                yield f"{ours}/conv", f"{theirs}.conv"
                yield f"{ours}/bn", f"{theirs}.bn1"
            elif isinstance(row, FusedRow):
                yield f"{ours}/fused/conv", f"{theirs}.conv_exp"
                yield f"{ours}/fused/bn", f"{theirs}.bn1"
                yield f"{ours}/project/conv", f"{theirs}.conv_pwl"
                yield f"{ours}/project/bn", f"{theirs}.bn2"
    for part, name in BOTTLENECK.items():
        yield f"block{{s}}_{{i}}/{part}/{{Part}}", f"blocks.{{s-1}}.{{i-1}}.{name}.{{Part}}"
    yield "conv_last/conv", f"blocks.{len(stages)}.0.conv"
    yield "conv_last/bn", f"blocks.{len(stages)}.0.bn1"
    yield "head/conv", "conv_head"
    yield "head/bn", "norm_head"
    yield "fc", "classifier"


KEY_MAPS = {name: {"timm": KeyMap(tuple(_timm(stages)))} for name, (stages, *_) in TABLE.items()}
