"""Deep layer aggregation. timm's classifier is a 1x1 convolution."""

from collections.abc import Iterator

from zoo.models.dla import TABLE
from zoo.weights.key_map import KeyMap

TREES = ("level{l}", "level{l}/{A}", "level{l}/{A}/{B}", "level{l}/{A}/{B}/{C}")  # within each other


def _parts(ours: str, conv: str, bn: str) -> Iterator[tuple[str, str]]:
    yield f"{ours}/conv", conv
    yield f"{ours}/bn", bn


def _tree(ours: str) -> Iterator[tuple[str, str]]:
    theirs = ours.replace("/", ".")
    yield from _parts(f"{ours}/project", f"{theirs}.project.0", f"{theirs}.project.1")
    yield from _parts(f"{ours}/root", f"{theirs}.root.conv", f"{theirs}.root.bn")
    yield from _parts(f"{ours}/{{Tree}}/conv{{i}}", f"{theirs}.{{Tree}}.conv{{i}}", f"{theirs}.{{Tree}}.bn{{i}}")


TIMM = KeyMap(
    rules=(
        *_parts("stem", "base_layer.0", "base_layer.1"),
        *(rule for tree in TREES for rule in _tree(tree)),
        *_parts("level{l}", "level{l}.0", "level{l}.1"),
        ("fc", "fc"),
    ),
    convolved=("fc",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
