"""The networks that torchvision does not have, in torch, written from their papers and Caffe's prototxt files.

Layers have the names of `zoo` ("inception_3a.1x1.conv"), so that weights are copied without a key map. There is no
dropout: the comparisons are made without it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from zoo.models.lenet import class_codes

# LeCun et al. 1998, Table I: one row per map of S2, one column per map of C3.
TABLE_I = (
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
)


class Block(nn.Module):
    """Convolution, batch normalisation or a bias, ReLU."""

    def __init__(self, channels, features, kernel, stride=1, padding=0, groups=1, norm=False, epsilon=0.001):
        super().__init__()
        self.conv = nn.Conv2d(channels, features, kernel, stride, padding, groups=groups, bias=not norm)
        self.bn = nn.BatchNorm2d(features, eps=epsilon) if norm else nn.Identity()

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def max_pool_3_2(x):
    """Caffe's pool, which rounds the output size up."""
    return F.max_pool2d(x, 3, 2, ceil_mode=True)


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c3, self.c5 = Block(1, 6, 5), Block(6, 16, 5), Block(16, 120, 5)
        self.f6, self.output = nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(self.c1(x), 2)
        x = F.max_pool2d(self.c3(x), 2)
        x = self.c5(x).flatten(1)
        return self.output(F.relu(self.f6(x)))


class Subsampling(nn.Module):
    """The sum of each 2x2 window, times a coefficient, plus a bias."""

    def __init__(self, maps):
        super().__init__()
        self.coefficient, self.bias = nn.Parameter(torch.empty(maps)), nn.Parameter(torch.empty(maps))

    def forward(self, x):
        total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
        return total * self.coefficient[:, None, None] + self.bias[:, None, None]


class C3(nn.Module):
    """One convolution per map; its inputs are the maps that are marked in its column of Table I."""

    def __init__(self):
        super().__init__()
        self.inputs = [[i for i in range(6) if TABLE_I[i][column] == "X"] for column in range(16)]
        self.maps = nn.ModuleList(nn.Conv2d(len(inputs), 1, 5) for inputs in self.inputs)

    def forward(self, x):
        return torch.cat([conv(x[:, inputs]) for conv, inputs in zip(self.maps, self.inputs, strict=True)], dim=1)


class LeNet5Of1998(nn.Module):
    """The logits are the negative squared distances to `codes` [10, 84], the bitmaps of the output layer."""

    def __init__(self, codes):
        super().__init__()
        self.c1, self.c5 = nn.ModuleDict({"conv": nn.Conv2d(1, 6, 5)}), nn.ModuleDict({"conv": nn.Conv2d(16, 120, 5)})
        self.s2, self.c3, self.s4 = Subsampling(6), C3(), Subsampling(16)
        self.f6 = nn.Linear(120, 84)
        self.codes = codes

    def forward(self, x):
        def squash(a):
            return 1.7159 * torch.tanh(2 / 3 * a)

        x = squash(self.c1["conv"](x))
        x = squash(self.s2(x))
        x = squash(self.c3(x))
        x = squash(self.s4(x))
        x = squash(self.c5["conv"](x)).flatten(1)
        x = squash(self.f6(x))
        return -((x[:, None] - self.codes) ** 2).sum(dim=2)


class _AlexNet(nn.Module):
    def __init__(self, convs):
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.conv4, self.conv5 = (Block(*row) for row in convs)
        self.fc6, self.fc7, self.fc8 = nn.Linear(256 * 6 * 6, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)
        # The paper's alpha is 1e-4, and torch divides by the size.
        self.norm = nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)

    def dense(self, x):
        x = F.relu(self.fc6(x.flatten(1)))
        return self.fc8(F.relu(self.fc7(x)))


class AlexNet2012(_AlexNet):
    """Krizhevsky et al. 2012, section 3.5; the two GPUs are two groups."""

    def __init__(self):
        rows = (
            (3, 96, 11, 4),
            (96, 256, 5, 1, 2, 2),
            (256, 384, 3, 1, 1),
            (384, 384, 3, 1, 1, 2),
            (384, 256, 3, 1, 1, 2),
        )
        super().__init__(rows)

    def forward(self, x):
        x = F.max_pool2d(self.norm(self.conv1(x)), 3, 2)
        x = F.max_pool2d(self.norm(self.conv2(x)), 3, 2)
        x = F.max_pool2d(self.conv5(self.conv4(self.conv3(x))), 3, 2)
        return self.dense(x)


class ZFNet(_AlexNet):
    """Zeiler and Fergus 2013, Figure 3: "rectified, pooled, and contrast normalized across feature maps"."""

    def __init__(self):
        rows = (3, 96, 7, 2, 1), (96, 256, 5, 2), (256, 384, 3, 1, 1), (384, 384, 3, 1, 1), (384, 256, 3, 1, 1)
        super().__init__(rows)

    def forward(self, x):
        x = self.norm(max_pool_3_2(self.conv1(x)))
        assert x.shape[2:] == (55, 55)  # the sizes of Figure 3
        x = self.norm(max_pool_3_2(self.conv2(x)))
        assert x.shape[2:] == (13, 13)
        x = max_pool_3_2(self.conv5(self.conv4(self.conv3(x))))
        return self.dense(x)


class NiN(nn.Module):
    """The Caffe model zoo's nin_imagenet: the last 1x1 convolution's maps are averaged."""

    def __init__(self):
        super().__init__()
        self.conv1, self.cccp1, self.cccp2 = Block(3, 96, 11, 4), Block(96, 96, 1), Block(96, 96, 1)
        self.conv2, self.cccp3, self.cccp4 = Block(96, 256, 5, 1, 2), Block(256, 256, 1), Block(256, 256, 1)
        self.conv3, self.cccp5, self.cccp6 = Block(256, 384, 3, 1, 1), Block(384, 384, 1), Block(384, 384, 1)
        self.conv4, self.cccp7, self.cccp8 = Block(384, 1024, 3, 1, 1), Block(1024, 1024, 1), Block(1024, 1000, 1)

    def forward(self, x):
        x = max_pool_3_2(self.cccp2(self.cccp1(self.conv1(x))))
        x = max_pool_3_2(self.cccp4(self.cccp3(self.conv2(x))))
        x = max_pool_3_2(self.cccp6(self.cccp5(self.conv3(x))))
        x = self.cccp8(self.cccp7(self.conv4(x)))
        return F.avg_pool2d(x, 6).flatten(1)


class NiNForCifar10(nn.Module):
    """The Caffe model zoo's nin_cifar10, of the paper's authors: the second pool is an average."""

    def __init__(self):
        super().__init__()
        self.conv1, self.cccp1, self.cccp2 = Block(3, 192, 5, 1, 2), Block(192, 160, 1), Block(160, 96, 1)
        self.conv2, self.cccp3, self.cccp4 = Block(96, 192, 5, 1, 2), Block(192, 192, 1), Block(192, 192, 1)
        self.conv3, self.cccp5, self.cccp6 = Block(192, 192, 3, 1, 1), Block(192, 192, 1), Block(192, 10, 1)

    def forward(self, x):
        x = max_pool_3_2(self.cccp2(self.cccp1(self.conv1(x))))
        x = F.avg_pool2d(self.cccp4(self.cccp3(self.conv2(x))), 3, 2, ceil_mode=True)
        x = self.cccp6(self.cccp5(self.conv3(x)))
        return F.avg_pool2d(x, 8).flatten(1)


class ShiftedNorm(nn.BatchNorm2d):
    """Batch normalisation with a bias and no scale."""

    def __init__(self, features):
        super().__init__(features, eps=1e-12)
        self.weight = None


class AirbenchBlock(nn.Module):
    """ConvGroup in airbench94.py and, with three convolutions, in airbench96.py of 13 June 2024."""

    def __init__(self, channels, features, convolutions):
        super().__init__()
        self.last = convolutions
        for i in range(1, convolutions + 1):
            conv = nn.Conv2d(channels if i == 1 else features, features, 3, padding="same", bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"norm{i}", ShiftedNorm(features))

    def forward(self, x):
        start = x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        x = self.norm2(self.conv2(x))
        if self.last == 3:
            x = start + self.norm3(self.conv3(F.gelu(x)))
        return F.gelu(x)


class Airbench(nn.Module):
    """Jordan 2024, section 3.1; the filters of `whiten` are any here."""

    def __init__(self, widths, convolutions=2):
        super().__init__()
        first, second, third = widths
        self.whiten = nn.Conv2d(3, 24, 2)
        self.block1 = AirbenchBlock(24, first, convolutions)
        self.block2 = AirbenchBlock(first, second, convolutions)
        self.block3 = AirbenchBlock(second, third, convolutions)
        self.head = nn.Linear(third, 10, bias=False)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(F.gelu(self.whiten(x)))))
        return self.head(F.max_pool2d(x, 3).flatten(1)) / 9


class Inception(nn.Module):
    """Figure 2(b) of the GoogLeNet paper."""

    def __init__(self, channels, one, reduce_3x3, three, reduce_5x5, five, pool_proj, norm):
        super().__init__()
        self.add_module("1x1", Block(channels, one, 1, norm=norm))
        self.add_module("3x3_reduce", Block(channels, reduce_3x3, 1, norm=norm))
        self.add_module("3x3", Block(reduce_3x3, three, 3, padding=1, norm=norm))
        self.add_module("5x5_reduce", Block(channels, reduce_5x5, 1, norm=norm))
        self.add_module("5x5", Block(reduce_5x5, five, 5, padding=2, norm=norm))
        self.add_module("pool_proj", Block(channels, pool_proj, 1, norm=norm))

    def forward(self, x):
        layer = self._modules
        three = layer["3x3"](layer["3x3_reduce"](x))
        five = layer["5x5"](layer["5x5_reduce"](x))
        pool = layer["pool_proj"](F.max_pool2d(x, 3, 1, padding=1))
        return torch.cat([layer["1x1"](x), three, five, pool], dim=1)


class AuxHead(nn.Module):
    """Section 5 of the GoogLeNet paper."""

    def __init__(self, channels, norm):
        super().__init__()
        self.conv = Block(channels, 128, 1, norm=norm)
        self.fc, self.classifier = nn.Linear(128 * 4 * 4, 1024), nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.conv(F.avg_pool2d(x, 5, 3))
        return self.classifier(F.relu(self.fc(x.flatten(1))))


class GoogLeNet(nn.Module):
    """bvlc_googlenet; with `norm`, batch normalisation instead of biases and response normalisation.

    In training, (logits, first auxiliary logits, second auxiliary logits).
    """

    def __init__(self, norm=False, aux_heads=False):
        super().__init__()
        self.conv1 = nn.ModuleDict({"7x7_s2": Block(3, 64, 7, 2, 3, norm=norm)})
        reduce, three = Block(64, 64, 1, norm=norm), Block(64, 192, 3, padding=1, norm=norm)
        self.conv2 = nn.ModuleDict({"3x3_reduce": reduce, "3x3": three})
        self.inception_3a = Inception(192, 64, 96, 128, 16, 32, 32, norm)
        self.inception_3b = Inception(256, 128, 128, 192, 32, 96, 64, norm)
        self.inception_4a = Inception(480, 192, 96, 208, 16, 48, 64, norm)
        self.inception_4b = Inception(512, 160, 112, 224, 24, 64, 64, norm)
        self.inception_4c = Inception(512, 128, 128, 256, 24, 64, 64, norm)
        self.inception_4d = Inception(512, 112, 144, 288, 32, 64, 64, norm)
        self.inception_4e = Inception(528, 256, 160, 320, 32, 128, 128, norm)
        self.inception_5a = Inception(832, 256, 160, 320, 32, 128, 128, norm)
        self.inception_5b = Inception(832, 384, 192, 384, 48, 128, 128, norm)
        self.loss3 = nn.ModuleDict({"classifier": nn.Linear(1024, 1000)})
        if aux_heads:
            self.loss1, self.loss2 = AuxHead(512, norm), AuxHead(528, norm)
        # Caffe's constants are torch's: alpha is divided by the size, k is 1.
        self.norm = nn.Identity() if norm else nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)

    def forward(self, x):
        x = self.norm(max_pool_3_2(self.conv1["7x7_s2"](x)))
        x = max_pool_3_2(self.norm(self.conv2["3x3"](self.conv2["3x3_reduce"](x))))
        x = max_pool_3_2(self.inception_3b(self.inception_3a(x)))
        a = self.inception_4a(x)
        d = self.inception_4d(self.inception_4c(self.inception_4b(a)))
        x = max_pool_3_2(self.inception_4e(d))
        x = self.inception_5b(self.inception_5a(x))
        logits = self.loss3["classifier"](x.mean(dim=(2, 3)))
        return (logits, self.loss1(a), self.loss2(d)) if self.training else logits


class BNInceptionModule(nn.Module):
    """Figure 5 of the batch normalisation paper; with `pool_proj=0` stride 2, and the pool has no projection."""

    def __init__(self, channels, one, reduce_3x3, three, reduce_double, double, pool_proj, max_pool=False):
        super().__init__()
        norm = {"norm": True, "epsilon": 1e-5}
        self.stride = 1 if pool_proj else 2
        self.max_pool = max_pool
        if pool_proj:
            self.add_module("1x1", Block(channels, one, 1, **norm))
            self.add_module("pool_proj", Block(channels, pool_proj, 1, **norm))
        self.add_module("3x3_reduce", Block(channels, reduce_3x3, 1, **norm))
        self.add_module("3x3", Block(reduce_3x3, three, 3, self.stride, 1, **norm))
        self.add_module("double_3x3_reduce", Block(channels, reduce_double, 1, **norm))
        self.add_module("double_3x3_1", Block(reduce_double, double, 3, 1, 1, **norm))
        self.add_module("double_3x3_2", Block(double, double, 3, self.stride, 1, **norm))

    def forward(self, x):
        layer = self._modules
        three = layer["3x3"](layer["3x3_reduce"](x))
        double = layer["double_3x3_2"](layer["double_3x3_1"](layer["double_3x3_reduce"](x)))
        if self.stride == 2:
            return torch.cat([three, double, max_pool_3_2(x)], dim=1)
        pooled = F.max_pool2d(x, 3, 1, padding=1) if self.max_pool else F.avg_pool2d(x, 3, 1, padding=1)
        return torch.cat([layer["1x1"](x), three, double, layer["pool_proj"](pooled)], dim=1)


class BNInception(nn.Module):
    """Ioffe and Szegedy 2015, Figure 5, with a plain first convolution and Caffe's padding."""

    def __init__(self):
        super().__init__()
        norm = {"norm": True, "epsilon": 1e-5}
        self.conv1 = nn.ModuleDict({"7x7_s2": Block(3, 64, 7, 2, 3, **norm)})
        self.conv2 = nn.ModuleDict({"3x3_reduce": Block(64, 64, 1, **norm), "3x3": Block(64, 192, 3, 1, 1, **norm)})
        self.inception_3a = BNInceptionModule(192, 64, 64, 64, 64, 96, 32)
        self.inception_3b = BNInceptionModule(256, 64, 64, 96, 64, 96, 64)
        self.inception_3c = BNInceptionModule(320, 0, 128, 160, 64, 96, 0)
        self.inception_4a = BNInceptionModule(576, 224, 64, 96, 96, 128, 128)
        self.inception_4b = BNInceptionModule(576, 192, 96, 128, 96, 128, 128)
        self.inception_4c = BNInceptionModule(576, 160, 128, 160, 128, 160, 96)
        self.inception_4d = BNInceptionModule(576, 96, 128, 192, 160, 192, 96)
        self.inception_4e = BNInceptionModule(576, 0, 128, 192, 192, 256, 0)
        self.inception_5a = BNInceptionModule(1024, 352, 192, 320, 160, 224, 128)
        self.inception_5b = BNInceptionModule(1024, 352, 192, 320, 192, 224, 128, max_pool=True)
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        x = max_pool_3_2(self.conv1["7x7_s2"](x))
        x = max_pool_3_2(self.conv2["3x3"](self.conv2["3x3_reduce"](x)))
        for module in ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
            x = self.get_submodule(f"inception_{module}")(x)
        return self.fc(x.mean(dim=(2, 3)))


class Reference(NamedTuple):
    """How a network of ours is made here.

    `flattened` gives the maps (channels, height, width) that a dense layer flattens, `scale` the size of the pixels:
    local response normalisation shows on large values only, such as the 0 to 255 that Caffe feeds.
    """

    make: Callable[[], nn.Module]
    flattened: Mapping[str, tuple[int, int, int]] = {}
    scale: float = 1.0


AUX_HEADS = {f"{head}.fc": (128, 4, 4) for head in ("loss1", "loss2")}
REFERENCES = {
    "lenet5": Reference(LeNet5),
    "lenet5_1998": Reference(partial(LeNet5Of1998, torch.tensor(np.asarray(class_codes(10))))),
    "alexnet_2012": Reference(AlexNet2012, {"fc6": (256, 6, 6)}, scale=100.0),
    "zfnet": Reference(ZFNet, {"fc6": (256, 6, 6)}, scale=100.0),
    "nin": Reference(NiN),
    "nin_cifar10": Reference(NiNForCifar10),
    "googlenet": Reference(partial(GoogLeNet, aux_heads=True), AUX_HEADS, scale=100.0),
    "googlenet_bn": Reference(partial(GoogLeNet, norm=True)),
    "inception_v2": Reference(BNInception),
    "airbench94": Reference(partial(Airbench, (64, 256, 256))),
    "airbench95": Reference(partial(Airbench, (128, 384, 384))),
    "airbench96": Reference(partial(Airbench, (128, 512, 512), 3)),
}
