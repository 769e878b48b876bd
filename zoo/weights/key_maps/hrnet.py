"""HRNet. timm has the names of the release, and numbers everything within stages from zero."""

from collections.abc import Iterator

from zoo.models.hrnet import TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.resnet import TORCHVISION

_MODULE, _THEIR_MODULE = "stage{s}_{m}", "stage{s}.{m-1}"
# Prefixes of residual blocks, whose layers have torchvision's names.
_BLOCKS = (
    ("stage1_{b}", "layer1.{b-1}"),
    (f"{_MODULE}/branch{{r}}_{{b}}", f"{_THEIR_MODULE}.branches.{{r-1}}.{{b-1}}"),
    ("increase{b}", "incre_modules.{b-1}.0"),
)
# Sequences of a convolution and a norm.
_SEQUENCES = (
    # The last branch of a stage is new, made by a sequence of such sequences.
    *((f"transition{s}_{s + 1}", f"transition{s}.{s}.0") for s in (1, 2, 3)),
    ("transition{s}_{r}", "transition{s}.{r-1}"),
    (f"{_MODULE}/fuse{{j}}_{{i}}", f"{_THEIR_MODULE}.fuse_layers.{{i-1}}.{{j-1}}"),
    (f"{_MODULE}/fuse{{j}}_{{i}}_{{k}}", f"{_THEIR_MODULE}.fuse_layers.{{i-1}}.{{j-1}}.{{k-1}}"),
    ("downsample{i}", "downsamp_modules.{i-2}"),
    ("final", "final_layer"),
)


def _rules() -> Iterator[tuple[str, str]]:
    yield "conv{i}/conv", "conv{i}"
    yield "conv{i}/bn", "bn{i}"
    block, their_block = "conv{s}_{b}/", "layer{s-1}.{b-1}."
    for layer, their_layer in TORCHVISION.rules:
        if layer.startswith(block):
            for ours, theirs in _BLOCKS:
                yield f"{ours}/{layer.removeprefix(block)}", f"{theirs}.{their_layer.removeprefix(their_block)}"
    for ours, theirs in _SEQUENCES:
        yield f"{ours}/conv", f"{theirs}.0"
        yield f"{ours}/bn", f"{theirs}.1"
    yield "fc", "classifier"


TIMM = KeyMap(rules=tuple(_rules()))
KEY_MAPS = {name: {"timm": TIMM} for name in TABLE}
