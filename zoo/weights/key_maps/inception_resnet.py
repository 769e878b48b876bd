"""Inception-ResNet v2. timm numbers the branches of a module, and the blocks from zero; the last has another name."""

from collections.abc import Iterator

from zoo.models.inception_resnet import RESIDUAL_STAGES
from zoo.models.inception_v3 import STEM
from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.inception_v3 import keras_rules, layer_names

# Branches of a module, by the layer name in it.
_BRANCHES = (
    ("1x1", "branch0"),
    ("3x3", "branch0"),
    ("5x5_{k}", "branch1.{k-1}"),
    ("3x3_{k}", "branch1.{k-1}"),
    ("7x7_{k}", "branch1.{k-1}"),
    ("pool_proj", "branch3.1"),
)


def _module(ours: str, theirs: str, double: int) -> tuple[tuple[str, str], ...]:
    """The rules of one module or kind of block; `double` is the index of its branch of two 3x3."""
    branches = (*_BRANCHES, ("3x3dbl_{k}", f"branch{double}.{{k-1}}"))
    rules = [(f"{ours}/{layer}/{{Part}}", f"{theirs}.{branch}.{{Part}}") for layer, branch in branches]
    return (*rules, (f"{ours}/up", f"{theirs}.conv2d"))


TIMM = KeyMap(
    rules=(
        ("conv2d_{Name}_{h}x{w}/{Part}", "conv2d_{Name}.{Part}"),
        *_module("mixed_5b", "mixed_5b", double=2),
        *_module("block35_{i}", "repeat.{i-1}", double=2),
        *_module("mixed_6a", "mixed_6a", double=1),
        *_module("block17_{i}", "repeat_1.{i-1}", double=1),
        ("mixed_7a/3x3a_{k}/{Part}", "mixed_7a.branch0.{k-1}.{Part}"),
        ("mixed_7a/3x3b_{k}/{Part}", "mixed_7a.branch1.{k-1}.{Part}"),
        ("mixed_7a/3x3dbl_{k}/{Part}", "mixed_7a.branch2.{k-1}.{Part}"),
        *_module("block8_10", "block8", double=1),
        *_module("block8_{i}", "repeat_2.{i-1}", double=1),
        ("fc", "classif"),
    )
)


def _blocks() -> Iterator[str]:
    """The convolution blocks that Keras leaves without a name, in its order."""
    yield from layer_names(STEM)
    for kind, (before, module), branches, depth in RESIDUAL_STAGES:
        yield from (f"{before}/{name}" for name in layer_names((module,)))
        yield from (f"{kind}_{i}/{name}" for i in range(1, depth + 1) for name in layer_names((branches,)))


KERAS = KeyMap(
    rules=(
        *keras_rules(_blocks()),
        ("{Block}/up", "{Block}_conv"),
        ("conv2d_7b_1x1/conv", "conv_7b"),
        ("conv2d_7b_1x1/bn", "conv_7b_bn"),
        ("fc", "predictions"),
    )
)

KEY_MAPS = {"inception_resnet_v2": {"timm": TIMM}, "inception_resnet_v2_keras": {"keras": KERAS}}
