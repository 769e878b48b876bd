"""NFNet and NF-ResNet, as in timm."""

from zoo.models.nfnet import TABLE
from zoo.weights.key_map import KeyMap

_BLOCK = "stages.{s-2}.{b-1}"


def _conv(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    return (ours, theirs), (f"{ours}/gain", f"{theirs}.gain")


TIMM = KeyMap(
    rules=(
        *_conv("conv1", "stem.conv"),
        *_conv("conv1_{i}", "stem.conv{i}"),
        *_conv("conv{s}_{b}/downsample", f"{_BLOCK}.downsample.conv"),
        ("conv{s}_{b}/skip_gain", f"{_BLOCK}.skipinit_gain"),
        ("conv{s}_{b}/se/{Part}", f"{_BLOCK}.attn_last.{{Part}}"),
        ("conv{s}_{b}/eca/{Part}", f"{_BLOCK}.attn_last.{{Part}}"),
        *_conv("conv{s}_{b}/{Conv}", f"{_BLOCK}.{{Conv}}"),
        *_conv("conv_last", "final_conv"),
        ("fc", "head.fc"),
    ),
    one_dimensional=("conv{s}_{b}/eca/conv",),
    kernels=("gain",),
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
