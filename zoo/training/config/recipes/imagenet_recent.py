"""Recipes for ImageNet: RegNet and what came after it (see imagenet.py)."""

from zoo.training.config.recipes.imagenet_settings import (
    CONVNEXT,
    CROP,
    FASTERNET,
    MOBILEONE,
    NFNET,
    RESNET_90,
    RESNET_COSINE,
    STARNET,
)
from zoo.training.config.recipes.row import Row

NFNET_AUGMENTED = {
    **NFNET,
    "mixup": 0.2,
    "cutmix": 1.0,
    "mix_per_image": True,
    "randaugment": 10.0,
    "randaugment_ops": 4,
    "randaugment_form": "timm",
    "ema": 0.99999,
}
NFNET_SOURCE = (
    "Brock et al. 2021 (arXiv:2102.06171), appendix A, and its program (google-deepmind/deepmind-research, "
    "nfnets/experiment_nfnets.py and dataset.py), which evaluates larger images, and has RandAugment after the mixing"
)
STARNET_SOURCE = "the authors' program (ma-xu/Rewrite-the-Stars, imagenet/README.md and train_imagenet.py)"

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
        "Ding et al. 2021 (arXiv:2101.03697), section 4.1, heavyweight models; amounts of label smoothing and mixup, "
        "which it does not state, of the program of He et al. 2018, whom it follows (dmlc/gluon-cv, "
        "scripts/classification/imagenet/train_imagenet.py)",
    ),
    Row(
        ("repvgg*",),
        {**RESNET_COSINE, "nesterov": False, "warmup_epochs": 0.0, "epochs": 120},
        "the authors' program (DingXiaoH/RepVGG, README.md)",
    ),
    Row(
        ("mobileone_s0", "mobileone_s1"),
        MOBILEONE,
        "Vasu et al. 2022 (arXiv:2206.04040), its training on ImageNet, in a summary, with one weight decay, which "
        "falls to a tenth there; at one image size, where open-mmlab/mmpretrain "
        "(configs/mobileone/mobileone-s0_8xb32_in1k.py) begins with 160 and 192 pixels",
    ),
    Row(
        ("mobileone*",),
        {**MOBILEONE, "auto_augment": True},
        "as mobileone_s0, with AutoAugment, at one strength; open-mmlab/mmpretrain "
        "(configs/mobileone/mobileone-s4_8xb32_in1k.py) has a RandAugment that grows",
    ),
    Row(
        ("nf_resnet*",),
        {**NFNET, "epochs": 90, "weight_decay": 5e-5, "dropout": 0.25, "stochastic_depth": 0.1},
        "Brock et al. 2021 (arXiv:2102.06171), section 4.1 and appendix A: rate, the largest batch and its clipping, "
        "epochs, label smoothing; stochastic depth of its program (google-deepmind/deepmind-research, "
        "nfnets/nf_resnet.py); weight decay and dropout of Brock et al. 2021 (arXiv:2101.08692), from memory",
    ),
    Row(
        ("dm_nfnet_f0",),
        {**NFNET_AUGMENTED, "randaugment": 5.0},
        NFNET_SOURCE,
    ),
    Row(
        ("*nfnet*",),
        NFNET_AUGMENTED,
        f"{NFNET_SOURCE}; its magnitude is that of F1 and F2, as the 15 of F3 are beyond its range here",
    ),
    Row(
        ("inception_next*",),
        CONVNEXT,
        "the authors' program (sail-sg/inceptionnext, README.md and train.py): as ConvNeXt, without its average",
    ),
    Row(
        ("starnet_s4",),
        {**STARNET, "stochastic_depth": 0.1},
        STARNET_SOURCE,
    ),
    Row(
        ("starnet*",),
        STARNET,
        STARNET_SOURCE,
    ),
    Row(
        ("fasternet_t0",),
        FASTERNET,
        "the authors' program (JierunChen/FasterNet, cfg/fasternet_t0.yaml); at one image size, where its first 280 "
        "epochs have 192 pixels",
    ),
    Row(
        ("fasternet*",),
        {
            **FASTERNET,
            "weight_decay": 0.03,
            "mixup": 0.3,
            "randaugment": 7.0,
            "randaugment_std": 0.5,
            "augment_interpolation": "bicubic",
        },
        "as fasternet_t0, cfg/fasternet_s.yaml",
    ),
)
