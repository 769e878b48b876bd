"""ReXNet. timm numbers the blocks of all stages."""

from collections.abc import Iterator

from zoo.models.rexnet import DEPTHS, TABLE
from zoo.weights.key_map import KeyMap

PARTS = {"expand": "conv_exp", "depthwise": "conv_dw", "project": "conv_pwl"}


def _timm() -> Iterator[tuple[str, str]]:
    before = 0
    for s, depth in enumerate(DEPTHS, start=1):
        ours, theirs = f"block{s}_{{i}}", f"features.{{i{before - 1:+d}}}"
        for part, name in PARTS.items():
            yield f"{ours}/{part}/{{Layer}}", f"{theirs}.{name}.{{Layer}}"
        yield f"{ours}/se/fc1/bn", f"{theirs}.se.bn"
        yield f"{ours}/se/{{Layer}}/conv", f"{theirs}.se.{{Layer}}"
        before += depth
    yield "stem/{Layer}", "stem.{Layer}"
    yield "head/{Layer}", f"features.{before}.{{Layer}}"
    yield "fc", "head.fc"


KEY_MAPS = {name: {"timm": KeyMap(tuple(_timm()))} for name in TABLE}
