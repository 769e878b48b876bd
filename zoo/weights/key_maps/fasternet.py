"""FasterNet, as in timm."""

from zoo.models.fasternet import TABLE
from zoo.weights.key_map import KeyMap

_BLOCK = "stages.{s-1}.blocks.{i-1}"

TIMM = KeyMap(
    rules=(
        ("stem/conv", "patch_embed.proj"),
        ("stem/bn", "patch_embed.norm"),
        ("downsample{s}/conv", "stages.{s-1}.downsample.reduction"),
        ("downsample{s}/bn", "stages.{s-1}.downsample.norm"),
        ("block{s}_{i}/partial_conv", f"{_BLOCK}.spatial_mixing.partial_conv3"),
        ("block{s}_{i}/pwconv1/conv", f"{_BLOCK}.mlp.0"),
        ("block{s}_{i}/pwconv1/bn", f"{_BLOCK}.mlp.1"),
        ("block{s}_{i}/pwconv2", f"{_BLOCK}.mlp.3"),
        ("conv_head", "conv_head"),
        ("fc", "classifier"),
    )
)

KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
