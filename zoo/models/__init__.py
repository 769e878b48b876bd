"""The networks, one family a file. A new family is one file and one name here."""

from zoo.models import (
    alexnet,
    convnext,
    densenet,
    efficientnet,
    efficientnet_lite,
    efficientnet_v2,
    googlenet,
    inception_resnet,
    inception_v2,
    inception_v3,
    inception_v4,
    lenet,
    mnasnet,
    mobilenet,
    nin,
    regnet,
    resnet,
    resnet_v2,
    shufflenet,
    squeezenet,
    vgg,
    xception,
)
from zoo.models.network import ModelInfo

_FAMILIES = (
    lenet,
    alexnet,
    nin,
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
    shufflenet,
    mnasnet,
    efficientnet,
    efficientnet_v2,
    efficientnet_lite,
    regnet,
    convnext,
)

ENTRIES: tuple[ModelInfo, ...] = tuple(entry for family in _FAMILIES for entry in family.ENTRIES)
