"""The figures that papers print about their networks, as they are printed, by the registry's name of the network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class PaperRow:
    """One line of a published table; `note` explains why it differs from the exact counts, as far as is known.

    `layers` is a pattern for the first part of module paths; or the name of an operation outside of all modules, with
    its number, as "max_pool 2". `published` has the printed text of quantities (`paper_comparison.QUANTITIES`);
    `structure` that of the columns which say how the line is built (`zoo.report.architecture.paper_structure`).
    """

    label: str
    layers: str
    published: Mapping[str, str]
    note: str = ""
    structure: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """A published table. `kilo` is the value of the paper's K; `input_size` is the image size of its figures."""

    source: str
    url: str
    input_size: int
    rows: tuple[PaperRow, ...]
    kilo: int = 1000
    note: str = ""


def _googlenet_row(
    label: str,
    layers: str,
    output: str,
    structure: str,
    weights: str = "",
    macs: str = "",
    note: str = "",
) -> PaperRow:
    """A line of Table 1; `structure` are its cells from the patch to the pool projection, "-" for an empty one."""
    published = {"output": output, "weights": weights, "macs": macs}
    cells = zip(GOOGLENET_STRUCTURE, structure.split(), strict=True)
    return PaperRow(
        label,
        layers,
        {name: text for name, text in published.items() if text},
        note,
        {name: text for name, text in cells if text != "-"},
    )


_UNEXPLAINED = "the ops agree, and so do the widths; the parameter figure has no known explanation"
# The widths are those of submodules by these names.
GOOGLENET_STRUCTURE = ("patch/stride", "depth", "1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")

GOOGLENET = PaperTable(
    source="Szegedy et al. 2014, Table 1",
    url="https://arxiv.org/abs/1409.4842",
    input_size=224,
    kilo=1024,
    note='"params" are weights without biases in units of 1024, "ops" multiply-adds in millions',
    rows=(
        _googlenet_row(
            "convolution 7x7/2",
            "conv1",
            "112x112x64",
            "7x7/2 1 - - - - - -",
            "2.7K",
            "34M",
            "both match a separable 7x7 with depth multiplier 8 (7*7*3*8 + 24*64 = 2,712 weights, 34.0M "
            "multiply-adds), which is the first layer of TF-Slim's Inception v2; the paper does not say so",
        ),
        _googlenet_row("max pool 3x3/2", "max_pool 1", "56x56x64", "3x3/2 0 - - - - - -"),
        _googlenet_row("convolution 3x3/1", "conv2", "56x56x192", "3x3/1 2 - 64 192 - - -", "112K", "360M"),
        _googlenet_row("max pool 3x3/2", "max_pool 2", "28x28x192", "3x3/2 0 - - - - - -"),
        _googlenet_row("inception (3a)", "inception_3a", "28x28x256", "- 2 64 96 128 16 32 32", "159K", "128M"),
        _googlenet_row("inception (3b)", "inception_3b", "28x28x480", "- 2 128 128 192 32 96 64", "380K", "304M"),
        _googlenet_row("max pool 3x3/2", "max_pool 3", "14x14x480", "3x3/2 0 - - - - - -"),
        _googlenet_row(
            "inception (4a)", "inception_4a", "14x14x512", "- 2 192 96 208 16 48 64", "364K", "73M", _UNEXPLAINED
        ),
        _googlenet_row("inception (4b)", "inception_4b", "14x14x512", "- 2 160 112 224 24 64 64", "437K", "88M"),
        _googlenet_row(
            "inception (4c)",
            "inception_4c",
            "14x14x512",
            "- 2 128 128 256 24 64 64",
            "463K",
            "100M",
            "100M multiply-adds at 14x14 positions are 498K weights, so the ops agree with the widths; "
            "the parameter figure has no known explanation",
        ),
        _googlenet_row(
            "inception (4d)", "inception_4d", "14x14x528", "- 2 112 144 288 32 64 64", "580K", "119M", _UNEXPLAINED
        ),
        _googlenet_row(
            "inception (4e)", "inception_4e", "14x14x832", "- 2 256 160 320 32 128 128", "840K", "170M", _UNEXPLAINED
        ),
        _googlenet_row("max pool 3x3/2", "max_pool 4", "7x7x832", "3x3/2 0 - - - - - -"),
        _googlenet_row(
            "inception (5a)",
            "inception_5a",
            "7x7x832",
            "- 2 256 160 320 32 128 128",
            "1072K",
            "54M",
            "both are 5 to 6% too high and agree with each other (54M at 7x7 positions are 1076K weights), as if the "
            "paper had counted a wider module than the one it prints; which one is not known",
        ),
        _googlenet_row(
            "inception (5b)", "inception_5b", "7x7x1024", "- 2 384 192 384 48 128 128", "1388K", "71M", _UNEXPLAINED
        ),
        _googlenet_row("avg pool 7x7/1", "global_avg_pool 1", "1x1x1024", "7x7/1 0 - - - - - -"),
        _googlenet_row("dropout (40%)", "dropout", "1x1x1024", "- 0 - - - - - -"),
        _googlenet_row("linear", "loss3", "1x1x1000", "- 1 - - - - - -", "1000K", "1M"),
        _googlenet_row(
            "softmax",
            "softmax 1",
            "1x1x1000",
            "- 0 - - - - - -",
            note="the network returns logits: the loss and the prediction apply the softmax",
        ),
        PaperRow(
            "all rows together",
            "*",
            {"weights": "6797.7K", "macs": "1502M"},
            "the paper prints no sum; in the first convolution 84M multiply-adds are missing, and the other rows "
            "together have 3M too many",
        ),
    ),
)

ALEXNET = PaperTable(
    source="Krizhevsky et al. 2012, caption of Figure 2 and abstract",
    url="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
    input_size=227,
    rows=(
        PaperRow(
            "conv1",
            "conv1",
            {"units": "253,440"},
            "55x55x96 are 290,400; the printed number is 55x48x96. The 650,000 of the abstract match 290,400 better",
        ),
        PaperRow("conv2", "conv2", {"units": "186,624"}),
        PaperRow("conv3", "conv3", {"units": "64,896"}),
        PaperRow("conv4", "conv4", {"units": "64,896"}),
        PaperRow("conv5", "conv5", {"units": "43,264"}),
        PaperRow("fc6", "fc6", {"units": "4096"}),
        PaperRow("fc7", "fc7", {"units": "4096"}),
        PaperRow("fc8", "fc8", {"units": "1000"}),
        PaperRow("whole network", "*", {"parameters": "60M"}),
    ),
)

ZFNET = PaperTable(
    source="Zeiler and Fergus 2013, Figure 3",
    url="https://arxiv.org/abs/1311.2901",
    input_size=224,
    rows=(
        PaperRow("layer 1, convolution 7x7/2", "conv1", {"output": "110x110x96"}),
        PaperRow("layer 1, max pool 3x3/2", "max_pool 1", {"output": "55x55x96"}),
        PaperRow("layer 2, convolution 5x5/2", "conv2", {"output": "26x26x256"}),
        PaperRow("layer 2, max pool 3x3/2", "max_pool 2", {"output": "13x13x256"}),
        PaperRow("layer 3, convolution 3x3/1", "conv3", {"output": "13x13x384"}),
        PaperRow("layer 4, convolution 3x3/1", "conv4", {"output": "13x13x384"}),
        PaperRow("layer 5, convolution 3x3/1", "conv5", {"output": "13x13x256"}),
        PaperRow("layer 5, max pool 3x3/2", "max_pool 3", {"output": "6x6x256"}),
        PaperRow("layer 6", "fc6", {"output": "1x1x4096"}),
        PaperRow("layer 7", "fc7", {"output": "1x1x4096"}),
    ),
)

_SUBSAMPLING = (
    "a unit has 2 parameters but 5 connections: its four inputs are added, and the sum multiplied with one coefficient"
)

LENET = PaperTable(
    source="LeCun et al. 1998, section II.B",
    url="http://yann.lecun.com/exdb/publis/pdf/lecun-01a.pdf",
    input_size=32,
    note="connections are parameters without sharing: a separate copy for each unit",
    rows=(
        PaperRow("C1", "c1", {"output": "28x28x6", "parameters": "156", "unshared": "122,304"}),
        PaperRow(
            "S2",
            "s2",
            {"output": "14x14x6", "parameters": "12", "unshared": "5,880"},
            _SUBSAMPLING,
        ),
        PaperRow("C3", "c3", {"output": "10x10x16", "parameters": "1,516", "unshared": "151,600"}),
        PaperRow("S4", "s4", {"output": "5x5x16", "parameters": "32", "unshared": "2,000"}, _SUBSAMPLING),
        PaperRow("C5", "c5", {"output": "1x1x120", "unshared": "48,120"}),
        PaperRow("F6", "f6", {"output": "1x1x84", "parameters": "10,164"}),
        PaperRow(
            "whole network",
            "*",
            {"parameters": "60,000", "unshared": "340,908"},
            "besides S2 and S4: the paper also counts the 840 connections to the fixed bitmaps of the output layer",
        ),
    ),
)


def _vgg(column: str, millions: int) -> PaperTable:
    return PaperTable(
        source=f"Simonyan and Zisserman 2014, Table 2, column {column}",
        url="https://arxiv.org/abs/1409.1556",
        input_size=224,
        rows=(PaperRow("whole network", "*", {"parameters": f"{millions}M"}),),
    )


def _resnet(flops: str, note: str = "") -> PaperTable:
    stages = {"conv1": 112, "conv2": 56, "conv3": 28, "conv4": 14, "conv5": 7}
    return PaperTable(
        source="He et al. 2015, Table 1",
        url="https://arxiv.org/abs/1512.03385",
        input_size=224,
        note='"FLOPs" are multiply-adds, as section 3.3 says; the outputs are printed without their depth',
        rows=(
            *(
                PaperRow(f"{name}_x" if name != "conv1" else name, f"{name}*", {"map": f"{size}x{size}"})
                for name, size in stages.items()
            ),
            PaperRow("whole network", "*", {"macs": flops}, note),
        ),
    )


_STRIDE_ON_3X3 = (
    "the bottlenecks of the paper (and of Keras) have their stride in the first 1x1 convolution; here the 3x3 has it"
)

PAPER_TABLES: Mapping[str, PaperTable] = MappingProxyType(
    {
        "lenet5_1998": LENET,
        "alexnet_2012": ALEXNET,
        "zfnet": ZFNET,
        "vgg11": _vgg("A", 133),
        "vgg13": _vgg("B", 133),
        "vgg16": _vgg("D", 138),
        "vgg19": _vgg("E", 144),
        "googlenet": GOOGLENET,
        "googlenet_bn": GOOGLENET,
        "resnet18": _resnet("1.8G"),
        "resnet34": _resnet("3.6G"),
        "resnet50": _resnet("3.8G", _STRIDE_ON_3X3),
        "resnet50_keras": _resnet("3.8G"),
        "resnet101": _resnet("7.6G", _STRIDE_ON_3X3),
        "resnet101_keras": _resnet("7.6G"),
        "resnet152": _resnet("11.3G", _STRIDE_ON_3X3),
        "resnet152_keras": _resnet("11.3G"),
    }
)
