"""ConvNeXt. Torchvision numbers the parts of `features`: stem, stage 1, downsampling, stage 2 and so on."""

from collections.abc import Iterator

from zoo.models.convnext import TABLE, TIMM_TABLE, V2_TABLE
from zoo.weights.key_map import KeyMap


def _torchvision_stage(stage: int) -> Iterator[tuple[str, str]]:
    block = f"features.{2 * stage - 1}.{{i-1}}"
    for ours, theirs in (("dwconv", 0), ("norm", 2), ("pwconv1", 3), ("pwconv2", 5)):
        yield f"block{stage}_{{i}}/{ours}", f"{block}.block.{theirs}"
    yield f"block{stage}_{{i}}/layer_scale", f"{block}.layer_scale"
    yield f"downsample{stage}/norm", f"features.{2 * stage - 2}.0"
    yield f"downsample{stage}/conv", f"features.{2 * stage - 2}.1"


TORCHVISION = KeyMap(
    rules=(
        ("stem/conv", "features.0.0"),
        ("stem/norm", "features.0.1"),
        *(rule for stage in range(1, 5) for rule in _torchvision_stage(stage)),
        ("norm", "classifier.0"),
        ("fc", "classifier.2"),
    ),
    maps=("layer_scale",),
)

TIMM_RULES = (
    ("stem/conv", "stem.0"),
    ("stem/norm", "stem.1"),
    ("block{s}_{i}/dwconv", "stages.{s-1}.blocks.{i-1}.conv_dw"),
    ("block{s}_{i}/norm", "stages.{s-1}.blocks.{i-1}.norm"),
    ("block{s}_{i}/pwconv{k}", "stages.{s-1}.blocks.{i-1}.mlp.fc{k}"),
    ("block{s}_{i}/grn", "stages.{s-1}.blocks.{i-1}.mlp.grn"),
    ("block{s}_{i}/layer_scale", "stages.{s-1}.blocks.{i-1}.gamma"),
    ("downsample{s}/norm", "stages.{s-1}.downsample.0"),
    ("downsample{s}/conv", "stages.{s-1}.downsample.1"),
    ("norm", "head.norm"),
    ("fc", "head.fc"),
)
TIMM = KeyMap(rules=TIMM_RULES)
# The pointwise layers of timm's smallest networks are convolutions.
TIMM_CONVOLVED = KeyMap(rules=TIMM_RULES, convolved=("block{s}_{i}/pwconv{k}",))
SMALL = ("atto", "femto", "pico", "nano")

KEY_MAPS = {
    **{name: {"torchvision": TORCHVISION, "timm": TIMM} for name in TABLE},
    **{name: {"timm": TIMM_CONVOLVED if name.endswith(SMALL) else TIMM} for name in (*TIMM_TABLE, *V2_TABLE)},
}
