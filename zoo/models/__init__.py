"""The networks, one family a file. A new family is one file and one line here."""

from zoo.models import alexnet, googlenet, lenet, nin, vgg
from zoo.models.network import ModelInfo

ENTRIES: tuple[ModelInfo, ...] = (
    *lenet.ENTRIES,
    *alexnet.ENTRIES,
    *nin.ENTRIES,
    *vgg.ENTRIES,
    *googlenet.ENTRIES,
)
