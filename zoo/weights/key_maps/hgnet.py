"""PP-HGNet. timm nests the layers of blocks, and numbers them from zero."""

from zoo.models.hgnet import TABLE
from zoo.weights.key_map import KeyMap

_BLOCK = "stages.{s-1}.blocks.{b-1}"
# Our convolution blocks, which all have the same parts there; the stems have different names.
_BLOCKS = (
    ("downsample{s}", "stages.{s-1}.downsample"),
    ("block{s}_{b}/layer{i}", f"{_BLOCK}.layers.{{i-1}}"),
    ("block{s}_{b}/layer{i}_{k}", f"{_BLOCK}.layers.{{i-1}}.conv{{k}}"),
    ("block{s}_{b}/aggregate", f"{_BLOCK}.aggregation.0"),
    ("block{s}_{b}/squeeze", f"{_BLOCK}.aggregation.0"),
    ("block{s}_{b}/excite", f"{_BLOCK}.aggregation.1"),
)


def _timm(stem: tuple[str, str]) -> KeyMap:
    return KeyMap(
        rules=(
            *((f"{ours}/lab/coefficient", f"{theirs}.lab.scale") for ours, theirs in (*_BLOCKS, stem)),
            *((f"{ours}/{{Part}}", f"{theirs}.{{Part}}") for ours, theirs in (*_BLOCKS, stem)),
            ("block{s}_{b}/se/fc", f"{_BLOCK}.aggregation.1.conv"),
            ("last_conv/conv", "head.last_conv.0"),
            ("last_conv/lab/coefficient", "head.last_conv.2.scale"),
            ("last_conv/lab", "head.last_conv.2"),
            ("fc", "head.fc"),
        )
    )


V1 = _timm(("stem{i}", "stem.stem.{i-1}"))
V2 = _timm(("stem{Name}", "stem.stem{Name}"))

KEY_MAPS = {name: {"timm": V2 if name.startswith("hgnetv2") else V1} for name in TABLE}
