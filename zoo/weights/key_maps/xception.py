"""Xception. timm (legacy_xception) counts blocks from the first with a shortcut, and their parts one by one.

Keras has the names of ours, and numbers the shortcuts.
"""

from collections.abc import Iterator

from zoo.models.xception import BLOCKS
from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.inception_v3 import keras_rules


def _separable(ours: str, theirs: str, norm: str) -> Iterator[tuple[str, str]]:
    yield f"{ours}/depthwise", f"{theirs}.conv1"
    yield f"{ours}/pointwise", f"{theirs}.pointwise"
    yield f"{ours}/bn", norm


def _rules() -> Iterator[tuple[str, str]]:
    for i in (1, 2):
        yield f"block1/conv{i}/conv", f"conv{i}"
        yield f"block1/conv{i}/bn", f"bn{i}"
        yield from _separable(f"block14/sepconv{i}", f"conv{i + 2}", f"bn{i + 2}")
        # The first of block2 has no activation before it.
        yield from _separable(f"block2/sepconv{i}", f"block1.rep.{3 * i - 3}", f"block1.rep.{3 * i - 2}")
    for i in (1, 2, 3):
        yield from _separable(
            f"block{{b}}/sepconv{i}", f"block{{b-1}}.rep.{3 * i - 2}", f"block{{b-1}}.rep.{3 * i - 1}"
        )
    yield "block{b}/shortcut/conv", "block{b-1}.skip"
    yield "block{b}/shortcut/bn", "block{b-1}.skipbn"
    yield "fc", "fc"


KERAS = KeyMap(
    rules=(
        *keras_rules(f"{block}/shortcut" for block, (_, stride) in BLOCKS.items() if stride == 2),
        ("{Block}/{Conv}/conv", "{Block}_{Conv}"),
        ("{Block}/{Conv}/bn", "{Block}_{Conv}_bn"),
        ("{Block}/{Conv}/{Part}", "{Block}_{Conv}/{Part}"),
        ("fc", "predictions"),
    ),
    depthwise=("{Block}/{Conv}/depthwise",),
)

KEY_MAPS = {"xception": {"timm": KeyMap(tuple(_rules()))}, "xception_keras": {"keras": KERAS}}
