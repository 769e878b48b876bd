"""MixNet. timm numbers the kernels of a mixed convolution."""

from collections.abc import Iterator

from zoo.models.mixnet import TABLE
from zoo.weights.key_map import KeyMap

BLOCK = "blocks.{s-1}.{i-1}"


def _convolution(ours: str, theirs: str, norm: str) -> Iterator[tuple[str, str]]:
    yield f"{ours}/conv", theirs
    yield f"{ours}/mixed{{k}}", f"{theirs}.{{k-1}}"
    yield f"{ours}/bn", norm


TIMM = KeyMap(
    rules=(
        *_convolution("stem", "conv_stem", "bn1"),
        # The first block does not expand.
        *_convolution("block1_1/depthwise", "blocks.0.0.conv_dw", "blocks.0.0.bn1"),
        *_convolution("block1_1/project", "blocks.0.0.conv_pw", "blocks.0.0.bn2"),
        *_convolution("block{s}_{i}/expand", f"{BLOCK}.conv_pw", f"{BLOCK}.bn1"),
        *_convolution("block{s}_{i}/depthwise", f"{BLOCK}.conv_dw", f"{BLOCK}.bn2"),
        *_convolution("block{s}_{i}/project", f"{BLOCK}.conv_pwl", f"{BLOCK}.bn3"),
        ("block{s}_{i}/se/fc1", f"{BLOCK}.se.conv_reduce"),
        ("block{s}_{i}/se/fc2", f"{BLOCK}.se.conv_expand"),
        *_convolution("head", "conv_head", "bn2"),
        ("fc", "classifier"),
    )
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
