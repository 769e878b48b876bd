"""Recipes for CIFAR-10 and CIFAR-100, of networks that papers or releases have trained on images of 32 pixels.

Networks without batch norm, of which there is no such source, have the recipe for any data.
"""

from typing import Any

from zoo.training.config.recipes.row import Row
from zoo.training.config.recipes.small_images import NIN, SPEEDRUN

# The padded crop of He et al. 2015, section 4.2: by up to 4 pixels.
CROP: dict[str, Any] = {"shift": 4, "flip": True}
SGD: dict[str, Any] = {
    "optimizer": "sgd",
    "nesterov": False,
    "batch_size": 128,
    "learning_rate": 0.1,
    "rate_batch": 128,
    "warmup_epochs": 0.0,
    "decay_norms": True,
    **CROP,
}
RESNET: dict[str, Any] = {
    **SGD,
    "epochs": 164,
    "schedule": "staircase",
    "decay_at": "82,123",
    "weight_decay": 1e-4,
}
JORDAN = "Jordan 2024 (arXiv:2404.00498) and its programs (KellerJordan/cifar10-airbench)"
OTHERWISE = (
    "there SGD, flips in alternation, and a border that is the image's reflection; here the settings of --recipe "
    "speedrun, with Muon, not measured on CIFAR-10"
)
# The author's batches have 1,024 images, with Muon 2,000, on an A100; the rate is for smaller ones.
AIRBENCH: dict[str, Any] = {**SPEEDRUN, "rate_batch": 256, "warmup_epochs": 1.0, "shift": 2, "image_size": 32}
PYTORCH_CIFAR: dict[str, Any] = {**SGD, "epochs": 200, "weight_decay": 5e-4}

CIFAR = (
    Row(
        ("wide_resnet*", "wrn_*"),
        {
            **RESNET,
            "nesterov": True,
            "epochs": 200,
            "decay_rate": 0.2,
            "decay_at": "60,120,160",
            "weight_decay": 5e-4,
        },
        "Zagoruyko and Komodakis 2016 (arXiv:1605.07146), section 3, and its program (train.lua of "
        "szagoruyko/wide-residual-networks); there the border of an image is its reflection, here the mean",
    ),
    Row(
        ("resnet*_cifar", "preresnet*_cifar"),
        RESNET,
        "He et al. 2015 (arXiv:1512.03385), section 4.2: 64,000 steps, decays at 32,000 and 48,000; He et al. 2016 "
        "(arXiv:1603.05027) keep it, but for their first 400 steps",
    ),
    Row(
        ("pyramidnet*",),
        {**RESNET, "nesterov": True, "epochs": 300, "decay_at": "150,225"},
        "Han et al. 2016 (arXiv:1610.02915), section 4.1",
    ),
    Row(
        ("resnet*",),
        RESNET,
        "He et al. 2015 (arXiv:1512.03385), section 4.2: 64,000 steps, decays at 32,000 and 48,000; its stem is "
        "--model-arg small_images=true",
    ),
    Row(
        ("densenet*",),
        {**RESNET, "nesterov": True, "epochs": 300, "batch_size": 64, "rate_batch": 64, "decay_at": "150,225"},
        "Huang et al. 2016 (arXiv:1608.06993), section 4.2, and its program (liuzhuang13/DenseNet, train.lua)",
    ),
    Row(
        ("airbench96",),
        {**AIRBENCH, "epochs": 31, "shift": 4},
        f"{JORDAN}: the epochs and the shift of airbench96.py, without its cutout; {OTHERWISE}",
    ),
    Row(
        ("airbench*",),
        {**AIRBENCH, "epochs": 15},
        f"{JORDAN}: the epochs and the shift of airbench95.py (airbench94.py has 9.9 epochs); {OTHERWISE}",
    ),
    Row(
        ("nin*",),
        {**NIN, "epochs": 100, "batch_size": 128, **CROP},
        "zoo's own, not measured: that for any data, for longer and with the padded crop; Lin et al. 2013 trained on "
        "whitened images",
    ),
    Row(
        (
            *("vgg*_bn", "googlenet_bn", "resnext*", "seresnet*", "mobilenet_*", "shufflenet_*", "efficientnet_b0"),
            "regnet*",
        ),
        PYTORCH_CIFAR,
        "kuangliu/pytorch-cifar, main.py, whose cosine has a step per epoch",
    ),
)
