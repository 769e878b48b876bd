"""Inception v3. timm has torchvision's names; Keras numbers the layers one by one."""

from collections.abc import Iterable, Iterator

from zoo.models.blocks.inception_branches import Branch, BranchConv
from zoo.models.inception_v3 import MIXED, STEM
from zoo.weights.key_map import KeyMap, numbered

TORCHVISION = KeyMap(
    rules=(
        ("conv2d_{Block}/{Part}", "Conv2d_{Block}.{Part}"),
        ("mixed_{Block}/pool_proj/{Part}", "Mixed_{Block}.branch_pool.{Part}"),
        ("mixed_{Block}/{Layer}/{Part}", "Mixed_{Block}.branch{Layer}.{Part}"),
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
        yield f"{block}/conv", numbered("conv2d", i)
        yield f"{block}/bn", numbered("batch_normalization", i)


_BLOCKS = (
    *layer_names(STEM),
    *(f"mixed_{module}/{name}" for module, branches in MIXED.items() for name in layer_names((branches,))),
)
KERAS = KeyMap((*keras_rules(_BLOCKS), ("fc", "predictions")))

KEY_MAPS = {
    "inception_v3": {"torchvision": TORCHVISION, "timm": TORCHVISION},
    "inception_v3_keras": {"keras": KERAS},
}
