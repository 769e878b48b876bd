"""The recipes of --recipe, for any network and data."""

from typing import Any

from zoo.training.config.recipes.imagenet_settings import CROP, RESNET_90
from zoo.training.config.recipes.row import Row
from zoo.training.config.recipes.small_images import SPEEDRUN

TORCHVISION_V2: dict[str, Any] = {
    "optimizer": "sgd",
    "nesterov": False,
    "epochs": 600,
    "batch_size": 1024,
    "learning_rate": 0.5,
    "rate_batch": 1024,
    "warmup_epochs": 5.0,
    "warmup_start": 0.01,
    "weight_decay": 2e-5,
    "label_smoothing": 0.1,
    "mixup": 0.2,
    "cutmix": 1.0,
    "trivial_augment": True,
    "augment_interpolation": "bilinear",
    "erase": 0.1,
    "erase_area": 0.33,
    "repeats": 4,
    # 1 - 2e-5 x 1024 x 32 / 600: its train.py scales the 0.99998 of its command by batch, steps and epochs.
    "ema": 0.99891,
    "ema_every": 32,
    "image_size": 176,
    **CROP,
    "eval_size": 224,
    "eval_crop": 0.9655,
}
TIMM_A3: dict[str, Any] = {
    "optimizer": "lamb",
    "epochs": 100,
    "batch_size": 2048,
    "learning_rate": 8e-3,
    "rate_batch": 2048,
    "warmup_epochs": 5.0,
    # From 1e-4.
    "warmup_start": 0.0125,
    "weight_decay": 0.02,
    "loss": "bce",
    "bce_threshold": 0.2,
    "mixup": 0.1,
    "cutmix": 1.0,
    "randaugment": 6.0,
    "randaugment_std": 0.5,
    # Of each operation bilinear or bicubic, at random.
    "augment_interpolation": "bilinear",
    "image_size": 160,
    **CROP,
    "eval_size": 224,
    "eval_crop": 0.95,
}
TIMM_A2: dict[str, Any] = {
    **TIMM_A3,
    "epochs": 300,
    "learning_rate": 5e-3,
    "warmup_start": 0.02,
    "stochastic_depth": 0.05,
    "randaugment": 7.0,
    "repeats": 3,
    "image_size": 224,
    "eval_size": 0,
}
# Without the threshold, with which its label smoothing would do nothing: as in mmpretrain and PaddleClas.
TIMM_A1: dict[str, Any] = {
    **TIMM_A2,
    "epochs": 600,
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "bce_threshold": 0.0,
    "mixup": 0.2,
}
# Of lenet5, in seconds on two cores.
SPEEDRUN_DIGITS: dict[str, Any] = {"epochs": 10, "batch_size": 32, "learning_rate": 4e-3, "image_size": 32}
WIGHTMAN = "Wightman et al. 2021 (arXiv:2110.00476), table 2, and open-mmlab/mmpretrain (configs/resnet, rsb)"

NAMED: dict[str, Row] = {
    "default": Row((), {}, "the general default, without the table of networks and data"),
    "resnet_90": Row((), RESNET_90, "Goyal et al. 2017 (arXiv:1706.02677), section 5.1: ResNet in 90 epochs"),
    "speedrun": Row(
        (), SPEEDRUN, "the fastest found so far to 94 % on Fashion-MNIST, with airbench94 of widths 32,128,128"
    ),
    "speedrun_digits": Row((), SPEEDRUN_DIGITS, "98 % on the digits in seconds, with lenet5 (docs/performance.md)"),
    "timm_a1": Row((), TIMM_A1, f"{WIGHTMAN}: A1"),
    "timm_a2": Row((), TIMM_A2, f"{WIGHTMAN}: A2"),
    "timm_a3": Row((), TIMM_A3, f"{WIGHTMAN}: A3"),
    "torchvision_v2": Row(
        (),
        TORCHVISION_V2,
        "torchvision's IMAGENET1K_V2 weights of ResNet (pytorch/vision, references/classification and issue 3995); "
        "there the bias of the last layer has weight decay too",
    ),
}
