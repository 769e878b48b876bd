"""Inception v3. timm has torchvision's names; Keras numbers the layers one by one."""

from collections.abc import Iterable, Iterator

from zoo.models.blocks.inception_branches import Branch, BranchConv
from zoo.models.inception_v3 import MIXED, STEM
from zoo.weights.key_map import Names

TORCHVISION = Names(
    rules=(
        ("conv2d_{Place}/{Part}", "Conv2d_{Place}.{Part}"),
        ("mixed_{Place}/pool_proj/{Part}", "Mixed_{Place}.branch_pool.{Part}"),
        ("mixed_{Place}/{Layer}/{Part}", "Mixed_{Place}.branch{Layer}.{Part}"),
        ("aux/conv{i}/{Part}", "AuxLogits.conv{i}.{Part}"),
        ("aux/fc", "AuxLogits.fc"),
        ("fc", "fc"),
    )
)


def layer_names(branch: Branch) -> Iterator[str]:
    """The convolutions of a branch, forks included, in the order of the table."""
    for step in branch:
        if isinstance(step, BranchConv):
            yield step.name
        elif isinstance(step, tuple):
            for fork in step:
                yield from layer_names(fork)


def keras_rules(blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The rules of convolution blocks without a name, which Keras numbers by kind from the first of a session."""
    for i, block in enumerate(blocks):
        number = f"_{i}" if i else ""
        yield f"{block}/conv", f"conv2d{number}"
        yield f"{block}/bn", f"batch_normalization{number}"


_BLOCKS = (
    *layer_names(STEM),
    *(f"mixed_{place}/{name}" for place, branches in MIXED.items() for name in layer_names((branches,))),
)
KERAS = Names((*keras_rules(_BLOCKS), ("fc", "predictions")))

NAMES = {
    "inception_v3": {"torchvision": TORCHVISION, "timm": TORCHVISION},
    "inception_v3_keras": {"keras": KERAS},
}
