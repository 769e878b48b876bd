"""MobileNet V1 and V2."""

from collections.abc import Iterator

from zoo.models.mobilenet import MOBILENET_V2, V2_WIDTHS
from zoo.weights.key_map import KeyMap

# timm has another block, with other names, in the place of an inverted residual without expansion.
TIMM_SEPARABLE = (
    ("block1_1/depthwise/conv", "blocks.0.0.conv_dw"),
    ("block1_1/depthwise/bn", "blocks.0.0.bn1"),
    ("block1_1/project/conv", "blocks.0.0.conv_pw"),
    ("block1_1/project/bn", "blocks.0.0.bn2"),
)
TIMM_INVERTED = (
    ("block{s}_{i}/expand/conv", "blocks.{s-1}.{i-1}.conv_pw"),
    ("block{s}_{i}/expand/bn", "blocks.{s-1}.{i-1}.bn1"),
    ("block{s}_{i}/depthwise/conv", "blocks.{s-1}.{i-1}.conv_dw"),
    ("block{s}_{i}/depthwise/bn", "blocks.{s-1}.{i-1}.bn2"),
    ("block{s}_{i}/project/conv", "blocks.{s-1}.{i-1}.conv_pwl"),
    ("block{s}_{i}/project/bn", "blocks.{s-1}.{i-1}.bn3"),
)
TIMM_ENDS = (
    ("conv1/conv", "conv_stem"),
    ("conv1/bn", "bn1"),
    ("conv_last/conv", "conv_head"),
    ("conv_last/bn", "bn2"),
    ("fc", "classifier"),
)
# MobileNet V2's and MnasNet's.
TIMM = KeyMap((*TIMM_SEPARABLE, *TIMM_INVERTED, *TIMM_ENDS))

TIMM_V1 = KeyMap(
    (
        ("block{s}_{i}/depthwise/conv", "blocks.{s-1}.{i-1}.conv_dw"),
        ("block{s}_{i}/depthwise/bn", "blocks.{s-1}.{i-1}.bn1"),
        ("block{s}_{i}/pointwise/conv", "blocks.{s-1}.{i-1}.conv_pw"),
        ("block{s}_{i}/pointwise/bn", "blocks.{s-1}.{i-1}.bn2"),
        *TIMM_ENDS,
    )
)


def conv_and_norm(ours: str, theirs: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The rules of one of torchvision's Conv2dNormActivation."""
    return (f"{ours}/conv", f"{theirs}.0"), (f"{ours}/bn", f"{theirs}.1")


def _torchvision_v2() -> Iterator[tuple[str, str]]:
    blocks = [
        (f"block{number}_{i}", stage.expansion)
        for number, stage in enumerate(MOBILENET_V2, start=1)
        for i in range(1, stage.depth + 1)
    ]
    yield from conv_and_norm("conv1", "features.0")
    for index, (block, expansion) in enumerate(blocks, start=1):
        layers = ("expand", "depthwise") if expansion > 1 else ("depthwise",)
        for i, layer in enumerate(layers):
            yield from conv_and_norm(f"{block}/{layer}", f"features.{index}.conv.{i}")
        yield f"{block}/project/conv", f"features.{index}.conv.{len(layers)}"
        yield f"{block}/project/bn", f"features.{index}.conv.{len(layers) + 1}"
    yield from conv_and_norm("conv_last", f"features.{len(blocks) + 1}")
    yield "fc", "classifier.1"


KEY_MAPS = {
    **{name: {"timm": TIMM_V1} for name in ("mobilenet_v1", "mobilenet_v1_125")},
    **{name: {"timm": TIMM} for name in V2_WIDTHS},
    "mobilenet_v2": {"torchvision": KeyMap(tuple(_torchvision_v2())), "timm": TIMM},
}
