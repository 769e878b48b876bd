"""Recipes for the digits and for Fashion-MNIST, as their accuracies were measured."""

from typing import Any

from zoo.training.config.recipes.row import Row

MEASURED = "docs/results.md"
OWN = "zoo's own, for a few minutes on a CPU"
UNFINISHED = "zoo's own; its accuracy is measured (docs/results.md says how far)"

# Reached 0.9422 on Fashion-MNIST with googlenet_bn (docs/results.md).
FASHION: dict[str, Any] = {
    "epochs": 16,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "ema": 0.998,
    "flip": True,
    "shift": 2,
    "image_size": 56,
}
# In six epochs to 94 % on Fashion-MNIST, with a narrow airbench94 (docs/performance.md).
SPEEDRUN: dict[str, Any] = {
    "optimizer": "muon",
    "epochs": 6,
    "batch_size": 256,
    "learning_rate": 0.02,
    "weight_decay": 0.05,
    "schedule": "linear",
    "warmup_epochs": 1.2,
    "label_smoothing": 0.1,
    "flip": True,
    "shift": 1,
    "image_size": 28,
}
# Padded to 32 pixels, as digits are (docs/search.md).
LENET: dict[str, Any] = {
    "epochs": 32,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "schedule": "linear",
    "flip": True,
    "shift": 1,
    "fit": "pad",
}
# For networks that are below the accuracies of the data set's README after 8 epochs.
FASHION_LONG: dict[str, Any] = {**FASHION, "epochs": 30, "erase": 0.25}
# Without batch norm: a lower learning rate.
FASHION_PLAIN: dict[str, Any] = {**FASHION, "learning_rate": 1e-3, "clip_norm": 1.0}
# 57 to 130 million parameters: an update costs more than the images of a batch, so batches are larger.
FASHION_LARGE: dict[str, Any] = {**FASHION_PLAIN, "epochs": 10, "batch_size": 256, "learning_rate": 5e-4}

# The logits of SqueezeNet and NiN are behind a ReLU: a class whose logits fall to zero for all images has no gradient
# any more. Where the head learns more slowly than the features, no class is lost.
SQUEEZENET: dict[str, Any] = {"learning_rate": 1e-4, "backbone_rate": 10.0}
# Muon, as the initial values of NiN leave almost nothing of an image in its logits.
NIN: dict[str, Any] = {**SQUEEZENET, "optimizer": "muon", "learning_rate": 2e-4}

# LeNet pads digits to 32 pixels, as in its paper.
DIGITS = (
    Row(("nin_cifar10",), {**NIN, "image_size": 16}, OWN),
    Row(("lenet5", "lenet5_1998"), {"epochs": 30, "fit": "resize", "learning_rate": 2e-3}, OWN),
    Row(("googlenet",), {"epochs": 16, "aux_heads": True, "learning_rate": 1e-3, "clip_norm": 1.0}, OWN),
    Row(("googlenet*",), {"epochs": 16, "aux_heads": True}, OWN),
)

FASHION_MNIST = (
    Row(("lenet5",), LENET, MEASURED),
    Row(("airbench*",), SPEEDRUN, "docs/performance.md, measured with an airbench94 of widths 32,128,128"),
    # 0.27 million parameters need neither erasing nor many epochs.
    Row(("resnet20_cifar",), {**SPEEDRUN, "epochs": 16, "batch_size": 128}, MEASURED),
    Row(("*_cifar", "wrn_*", "pyramidnet*", "densenet*_12"), {**FASHION_LONG, "image_size": 28}, UNFINISHED),
    Row(("googlenet_bn",), FASHION, MEASURED),
    Row(("googlenet",), {**FASHION_PLAIN, "aux_heads": True}, UNFINISHED),
    Row(("squeezenet*",), {**FASHION_PLAIN, **SQUEEZENET}, MEASURED),
    Row(("nin*",), {**FASHION_PLAIN, **NIN, "epochs": 10, "image_size": 28}, UNFINISHED),
    Row(("alexnet",), {**FASHION_LARGE, "image_size": 64}, MEASURED),
    Row(("zfnet",), {**FASHION_LARGE, "image_size": 48}, UNFINISHED),
    Row(("vgg*_bn",), {**FASHION_LARGE, "image_size": 32}, UNFINISHED),
    Row(("densenet*",), {**FASHION_LONG, "image_size": 40}, UNFINISHED),
    Row(("resnet*", "mobilenet*"), FASHION_LONG, UNFINISHED),
)

# Networks without batch norm need a lower learning rate.
ANY_DATA = (
    Row(("lenet5*",), {"epochs": 10, "fit": "pad", "batch_size": 128, "learning_rate": 2e-3}, OWN),
    Row(("googlenet*",), {"epochs": 10, "aux_heads": True, "batch_size": 128, "clip_norm": 1.0}, OWN),
    Row(("inception_v3",), {"aux_heads": True}, OWN),
    Row(("*_bn",), {}, "the general default"),
    Row(("alexnet*", "zfnet"), {"learning_rate": 2e-4}, OWN),
    Row(("vgg*",), {"learning_rate": 1e-4, "clip_norm": 1.0}, OWN),
    Row(("nin*",), NIN, OWN),
    Row(("squeezenet*",), SQUEEZENET, OWN),
    Row(("*",), {}, "the general default"),
)
