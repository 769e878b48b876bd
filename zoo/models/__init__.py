"""The networks, one family per file. A new family is one file and one name in the list below.

The file of a family has, from top to bottom: its papers, the tables, the network, the blocks, and `ENTRIES`, the
records for the registry. Blocks that several families use are in `blocks/`.
"""

from importlib import import_module

from zoo.models.network import ModelInfo

FAMILIES = (
    "lenet",
    "alexnet",
    "nin",
    "vgg",
    "googlenet",
    "inception_v2",
    "inception_v3",
    "inception_v4",
    "inception_resnet",
    "xception",
    "xception_aligned",
    "nasnet",
    "nasnet_keras",
    "resnet",
    "resnet_keras",
    "resnet_d",
    "resnest",
    "sknet",
    "res2net",
    "cspnet",
    "dla",
    "vovnet",
    "resnet_v2",
    "resnet_cifar",
    "pyramidnet",
    "airbench",
    "densenet",
    "dpn",
    "squeezenet",
    "mobilenet",
    "mobilenet_v3",
    "mobilenet_v4",
    "lcnet",
    "ghostnet",
    "fbnet",
    "rexnet",
    "mixnet",
    "shufflenet",
    "mnasnet",
    "efficientnet",
    "efficientnet_v2",
    "efficientnet_lite",
    "efficientnet_edge",
    "regnet",
    "regnetz",
    "convnext",
    "hgnet",
    "hrnet",
    "repvgg",
    "mobileone",
    "nfnet",
    "inception_next",
    "starnet",
    "fasternet",
)

ENTRIES: tuple[ModelInfo, ...] = tuple(
    entry for family in FAMILIES for entry in import_module(f"{__name__}.{family}").ENTRIES
)
