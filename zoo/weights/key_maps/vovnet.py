"""VoVNetV2."""

from zoo.models.vovnet import TABLE
from zoo.weights.key_map import KeyMap


def _layer(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{ours}/depthwise", f"{theirs}.conv_dw"),
        (f"{ours}/pointwise", f"{theirs}.conv_pw"),
        (f"{ours}/{{Part}}", f"{theirs}.{{Part}}"),
    )


_BLOCK, _THEIRS = "block{s}_{b}", "stages.{s-1}.blocks.{b-1}"

TIMM = KeyMap(
    rules=(
        *_layer("stem{i}", "stem.{i-1}"),
        *_layer(f"{_BLOCK}/layer{{i}}", f"{_THEIRS}.conv_mid.{{i-1}}"),
        (f"{_BLOCK}/reduce/{{Part}}", f"{_THEIRS}.conv_reduction.{{Part}}"),
        (f"{_BLOCK}/aggregate/{{Part}}", f"{_THEIRS}.conv_concat.{{Part}}"),
        (f"{_BLOCK}/se/fc", f"{_THEIRS}.attn.fc"),
        ("fc", "head.fc"),
    )
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
