"""MobileNet V1 and V2. Keras numbers the blocks of a network from one in V1, and from zero in V2."""

from collections.abc import Iterator

from zoo.models.mobilenet import MOBILENET_V1, MOBILENET_V2, V2_WIDTHS
from zoo.weights.key_map import KeyMap
from zoo.weights.transformers_keys import conv_and_norm_rules

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


def _keras_v1() -> Iterator[tuple[str, str]]:
    blocks = (f"block{s}_{i}" for s, (_, depth, _) in enumerate(MOBILENET_V1, 1) for i in range(1, depth + 1))
    for number, block in enumerate(blocks, start=1):
        for ours, theirs in (("depthwise", "dw"), ("pointwise", "pw")):
            yield f"{block}/{ours}/conv", f"conv_{theirs}_{number}"
            yield f"{block}/{ours}/bn", f"conv_{theirs}_{number}_bn"
    yield "conv1/conv", "conv1"
    yield "conv1/bn", "conv1_bn"
    yield "fc", "conv_preds"


def _keras_v2() -> Iterator[tuple[str, str]]:
    blocks = (f"block{s}_{i}" for s, stage in enumerate(MOBILENET_V2, 1) for i in range(1, stage.depth + 1))
    for number, block in enumerate(blocks):
        theirs = f"block_{number}" if number else "expanded_conv"
        yield f"{block}/{{Layer}}/conv", f"{theirs}_{{Layer}}"
        yield f"{block}/{{Layer}}/bn", f"{theirs}_{{Layer}}_BN"
    yield "conv1/conv", "Conv1"
    yield "conv1/bn", "bn_Conv1"
    yield "conv_last/conv", "Conv_1"
    yield "conv_last/bn", "Conv_1_bn"
    yield "fc", "predictions"


def _transformers(network: str, modules: Iterator[tuple[str, str]]) -> KeyMap:
    return KeyMap((*conv_and_norm_rules(network, modules), ("fc", "classifier")))


def _transformers_v1() -> Iterator[tuple[str, str]]:
    blocks = (f"block{s}_{i}" for s, (_, depth, _) in enumerate(MOBILENET_V1, 1) for i in range(1, depth + 1))
    yield "conv1", "conv_stem"
    for number, block in enumerate(blocks):
        yield f"{block}/depthwise", f"layer.{2 * number}"
        yield f"{block}/pointwise", f"layer.{2 * number + 1}"


def _transformers_v2() -> Iterator[tuple[str, str]]:
    first, *blocks = (f"block{s}_{i}" for s, stage in enumerate(MOBILENET_V2, 1) for i in range(1, stage.depth + 1))
    yield "conv1", "conv_stem.first_conv"
    yield f"{first}/depthwise", "conv_stem.conv_3x3"
    yield f"{first}/project", "conv_stem.reduce_1x1"
    for number, block in enumerate(blocks):
        for ours, theirs in (("expand", "expand_1x1"), ("depthwise", "conv_3x3"), ("project", "reduce_1x1")):
            yield f"{block}/{ours}", f"layer.{number}.{theirs}"
    yield "conv_last", "conv_1x1"


DEPTHWISE = ("block{s}_{i}/depthwise/conv",)

KEY_MAPS = {
    **{name: {"timm": TIMM_V1} for name in ("mobilenet_v1", "mobilenet_v1_125")},
    **{name: {"timm": TIMM} for name in V2_WIDTHS},
    "mobilenet_v2": {"torchvision": KeyMap(tuple(_torchvision_v2())), "timm": TIMM},
    # Hugging Face's library has Google's weights, and pads as TensorFlow.
    "mobilenet_v1_keras": {
        "keras": KeyMap(tuple(_keras_v1()), convolved=("fc",), depthwise=DEPTHWISE),
        "transformers": _transformers("mobilenet_v1", _transformers_v1()),
    },
    "mobilenet_v2_keras": {
        "keras": KeyMap(tuple(_keras_v2()), depthwise=DEPTHWISE),
        "transformers": _transformers("mobilenet_v2", _transformers_v2()),
    },
}
