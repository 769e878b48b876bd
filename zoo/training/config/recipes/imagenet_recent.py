"""Recipes for ImageNet: RegNet and what came after it (see imagenet.py)."""

from zoo.training.config.recipes.imagenet_settings import (
    CONVNEXT,
    CROP,
    FASTERNET,
    MOBILEONE,
    NFNET,
    RESNET_90,
    RESNET_COSINE,
)
from zoo.training.config.recipes.row import Row

RECENT = (
    Row(
        ("regnet*",),
        {
            "optimizer": "sgd",
            "epochs": 100,
            "batch_size": 1024,
            "learning_rate": 0.8,
            "rate_batch": 1024,
            "warmup_epochs": 5.0,
            "warmup_start": 0.1,
            "weight_decay": 5e-5,
            "decay_norms": True,
            "lighting": 0.1,
            **CROP,
        },
        "Radosavovic et al. 2020 (arXiv:2003.13678), and its program (facebookresearch/pycls, dds_baselines)",
    ),
    Row(
        ("hrnet*",),
        {
            **RESNET_90,
            "epochs": 100,
            "batch_size": 128,
            "learning_rate": 0.05,
            "rate_batch": 128,
            "warmup_epochs": 0.0,
            "decay_at": "30,60,90",
            "decay_norms": True,
        },
        "HRNet/HRNet-Image-Classification (experiments/cls_hrnet_w18_sgd_lr5e-2_wd1e-4_bs32_x100.yaml), four devices "
        "with 32 images each",
    ),
    Row(
        ("hgnet*",),
        {
            **RESNET_COSINE,
            "nesterov": False,
            "epochs": 600,
            "batch_size": 1024,
            "learning_rate": 0.5,
            "rate_batch": 1024,
            "weight_decay": 4e-5,
            "decay_norms": True,
            "label_smoothing": 0.1,
            "mixup": 0.2,
            "cutmix": 1.0,
            "randaugment": 7.0,
            "randaugment_std": 0.5,
            "augment_interpolation": "bicubic",
            "erase": 0.25,
            "erase_area": 0.3333,
            "erase_noise": True,
            "eval_crop": 0.949,
        },
        "PaddleClas (ppcls/configs/ImageNet/PPHGNet/PPHGNet_small.yaml), eight devices with 128 images each; no such "
        "file has the training of PP-HGNetV2, whose weights are distilled from a larger network's",
    ),
    Row(
        ("convnext*",),
        {**CONVNEXT, "ema": 0.9999},
        "Liu et al. 2022 (arXiv:2201.03545), table 5, and its program (facebookresearch/ConvNeXt)",
    ),
    Row(
        ("repvgg_b3",),
        {**RESNET_COSINE, "nesterov": False, "epochs": 200, "label_smoothing": 0.1, "mixup": 0.2, "auto_augment": True},
        "Ding et al. 2021 (arXiv:2101.03697), section 4.1, heavyweight models; read from memory",
    ),
    Row(
        ("repvgg*",),
        {**RESNET_COSINE, "nesterov": False, "warmup_epochs": 0.0, "epochs": 120},
        "Ding et al. 2021 (arXiv:2101.03697), section 4.1; read from memory",
    ),
    Row(
        ("mobileone_s0", "mobileone_s1"),
        MOBILEONE,
        "Vasu et al. 2022 (arXiv:2206.04040), section 4; there the weight decay falls to a tenth; read from memory",
    ),
    Row(
        ("mobileone*",),
        {**MOBILEONE, "auto_augment": True},
        "Vasu et al. 2022 (arXiv:2206.04040), section 4; at one image size and strength, where it lets them grow, and "
        "the weight decay falls to a tenth; read from memory",
    ),
    Row(
        ("nf_resnet*",),
        {**NFNET, "epochs": 90, "weight_decay": 5e-5, "dropout": 0.25, "stochastic_depth": 0.1},
        "Brock et al. 2021 (arXiv:2101.08692), section 5.1, with the clipping of the second paper (arXiv:2102.06171), "
        "section 4.1, for the batch; read from memory",
    ),
    Row(
        ("*nfnet*",),
        {**NFNET, "mixup": 0.2, "cutmix": 1.0, "randaugment": 10.0, "randaugment_ops": 4, "ema": 0.99999},
        "Brock et al. 2021 (arXiv:2102.06171), section 5 and appendix A; at one magnitude, the largest of ours; read "
        "from memory",
    ),
    Row(
        ("inception_next*",),
        CONVNEXT,
        "Yu et al. 2023 (arXiv:2303.16900), section 4.1: as ConvNeXt, without its average; read from memory",
    ),
    Row(
        ("starnet*",),
        {
            "optimizer": "adamw",
            "epochs": 300,
            "batch_size": 2048,
            "learning_rate": 3e-3,
            "rate_batch": 2048,
            "warmup_epochs": 5.0,
            "weight_decay": 0.025,
            "label_smoothing": 0.1,
            "mixup": 0.8,
            "cutmix": 0.2,
            "randaugment": 1.0,
            "randaugment_std": 0.5,
            **CROP,
        },
        "Ma et al. 2024 (arXiv:2403.19967), section 4.1 and its appendix; read from memory",
    ),
    Row(
        ("fasternet_t0",),
        FASTERNET,
        "Chen et al. 2023 (arXiv:2303.03667), table 8; read from memory",
    ),
    Row(
        ("fasternet*",),
        {**FASTERNET, "weight_decay": 0.03, "mixup": 0.3, "randaugment": 7.0},
        "Chen et al. 2023 (arXiv:2303.03667), table 8, FasterNet-S; read from memory",
    ),
)
