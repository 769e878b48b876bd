"""What torchvision and timm call the parts of each network: one family a file."""

from zoo.errors import ZooError
from zoo.weights.names import (
    alexnet,
    convnext,
    densenet,
    efficientnet,
    googlenet,
    inception_resnet,
    inception_v2,
    inception_v3,
    inception_v4,
    mnasnet,
    mobilenet,
    mobilenet_v3,
    regnet,
    resnet,
    resnet_v2,
    shufflenet,
    squeezenet,
    vgg,
    xception,
)
from zoo.weights.rules import Names

_FAMILIES = (
    alexnet,
    vgg,
    googlenet,
    inception_v2,
    inception_v3,
    inception_v4,
    inception_resnet,
    xception,
    resnet,
    resnet_v2,
    densenet,
    squeezenet,
    mobilenet,
    mobilenet_v3,
    shufflenet,
    mnasnet,
    efficientnet,
    regnet,
    convnext,
)

# Model name to source ("torchvision", "timm") to names.
NAMES: dict[str, dict[str, Names]] = {name: sources for family in _FAMILIES for name, sources in family.NAMES.items()}


def sources_of(model_name: str) -> list[str]:
    """The libraries whose names for a network are known."""
    return list(NAMES.get(model_name, {}))


def names_of(model_name: str, source: str) -> Names:
    """Raises ZooError where the source has no such network."""
    found = NAMES.get(model_name, {})
    if source not in found:
        raise ZooError(f"{source} has no {model_name}; sources for it: {', '.join(found) or 'none'}")
    return found[source]
