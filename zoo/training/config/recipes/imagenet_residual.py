"""Recipes for ImageNet: ResNet, its relatives and DenseNet (see imagenet.py)."""

from zoo.training.config.recipes.imagenet_settings import (
    CROP,
    RESNET_90,
    RESNET_COSINE,
    RESNET_TORCH,
    RESNET_TORCHVISION,
    SGD,
)
from zoo.training.config.recipes.row import Row

RESIDUAL = (
    Row(
        ("resnetv2_*_bit",),
        {
            **RESNET_90,
            "nesterov": False,
            "batch_size": 4096,
            "learning_rate": 0.03,
            "warmup_epochs": 16.0,
            "image_size": 224,
        },
        "Kolesnikov et al. 2019 (arXiv:1912.11370), section 3.3, BiT-S: 5,000 steps of warmup; that kernels alone have "
        "weight decay is of a later program of the authors (google-research/big_vision, big_vision/optax.py), whose "
        "rate and schedule differ",
    ),
    Row(
        ("resnet*v2",),
        RESNET_TORCH,
        "He et al. 2016 (arXiv:1603.05027), appendix; fb.resnet.torch",
    ),
    Row(
        ("resnext*",),
        {**RESNET_TORCH, "epochs": 100, "decay_at": "30,60,90"},
        "Xie et al. 2016 (arXiv:1611.05431), section 4: fb.resnet.torch, with three decays; torchvision's 100 epochs "
        "(references/classification/README.md)",
    ),
    Row(
        ("seresne*",),
        {
            **RESNET_TORCH,
            "color_jitter": 0.0,
            "lighting": 0.0,
            "nesterov": False,
            "epochs": 100,
            "batch_size": 1024,
            "learning_rate": 0.6,
            "rate_batch": 1024,
            "decay_at": "30,60,90",
        },
        "Hu et al. 2017 (arXiv:1709.01507v4), section 5.1; weight decay, which it does not state, of ResNet; its "
        "released weights had 0.1 for 256 images, rotations and more epochs (hujie-frank/SENet, README.md)",
    ),
    Row(
        ("ecaresnet*", "res2ne*"),
        {**RESNET_TORCHVISION, "epochs": 100, "decay_at": "30,60,90"},
        "Wang et al. 2019 (arXiv:1910.03151), section 4.1, and its program (BangguWu/ECANet, main.py); Gao et al. 2019 "
        "(arXiv:1904.01169), section 4.2, of which timm's page on Res2Net states rate, batch, epochs and weight decay",
    ),
    Row(
        ("skresne*",),
        {**RESNET_TORCHVISION, "epochs": 100, "decay_at": "30,60,90", "label_smoothing": 0.1},
        "Li et al. 2019 (arXiv:1903.06586), section 4.1, in a summary; its crops are SENet's",
    ),
    Row(
        ("resnest*",),
        {
            **RESNET_COSINE,
            "epochs": 270,
            "batch_size": 8192,
            "label_smoothing": 0.1,
            "mixup": 0.2,
            "auto_augment": True,
            "color_jitter": 0.4,
            "lighting": 0.1,
        },
        "the authors' program (zhanghang1989/ResNeSt, scripts/gluon/README.md and train.py), 64 devices with 128 "
        "images each",
    ),
    Row(
        ("cspresne*", "cspdarknet*", "darknet*"),
        {
            **SGD,
            "epochs": 80,
            "batch_size": 128,
            "learning_rate": 0.1,
            "rate_batch": 128,
            "schedule": "polynomial",
            "decay_power": 4.0,
            "weight_decay": 5e-4,
            **CROP,
        },
        "pjreddie/darknet (cfg/darknet53.cfg) and WongKinYiu/CrossStagePartialNetworks (cfg/csresnet50.cfg): 800,000 "
        "steps, without the 1,000 of warmup; Wang et al. 2019 (arXiv:1911.11929), section 4.1, have "
        "ten times as many steps and as much weight decay; crops of ResNet, where the files turn images and change "
        "their colors too",
    ),
    Row(
        ("dla*",),
        {
            **RESNET_TORCHVISION,
            "epochs": 120,
            "decay_at": "30,60,90",
            "color_jitter": 0.4,
            "lighting": 0.1,
        },
        "the authors' program (ucbdrive/dla, README.md and classify.py), with its --random-color",
    ),
    Row(
        ("ese_vovnet*",),
        RESNET_TORCHVISION,
        "the program of VoVNet (stigma0617/VoVNet.pytorch, main.py), which is PyTorch's example",
    ),
    Row(
        ("dpn*",),
        {
            **RESNET_TORCHVISION,
            "epochs": 100,
            "batch_size": 1280,
            "learning_rate": 0.316,
            "rate_batch": 1280,
            "decay_at": "30,60,90",
        },
        "Chen et al. 2017 (arXiv:1707.01629), section 4.1: the rate and the batch of DPN-92; epochs, decays and weight "
        "decay, which it does not state, of ResNeXt",
    ),
    Row(
        ("resnetrs*",),
        {
            **RESNET_COSINE,
            "epochs": 350,
            "batch_size": 4096,
            "weight_decay": 4e-5,
            "label_smoothing": 0.1,
            "randaugment": 10.0,
            "dropout": 0.25,
            "ema": 0.9999,
        },
        "Bello et al. 2021 (arXiv:2103.07579); its program (tensorflow/tpu, resnet_rs/configs/resnetrs50_i160.yaml)",
    ),
    Row(
        ("wide_resnet*",),
        RESNET_TORCH,
        "Zagoruyko and Komodakis 2016 (arXiv:1605.07146), end of section 3: fb.resnet.torch",
    ),
    Row(
        ("resnet*d",),
        {
            **RESNET_COSINE,
            "epochs": 120,
            "batch_size": 1024,
            "label_smoothing": 0.1,
            "color_jitter": 0.4,
            "lighting": 0.1,
        },
        "the program of He et al. 2018 (dmlc/gluon-cv, scripts/classification/imagenet/train_imagenet.py) and its "
        "command (dmlc/web-data, gluoncv/logs/classification/imagenet/resnet50_v1d.sh), eight devices with 128 images "
        "each; resnet50_v1d-mixup.sh has mixup and 200 epochs",
    ),
    Row(
        ("resnet*",),
        RESNET_90,
        "Goyal et al. 2017 (arXiv:1706.02677), section 5.1, for any batch; He et al. 2015 have 120 epochs, and decays "
        "on a plateau",
    ),
    Row(
        ("densenet*",),
        RESNET_TORCH,
        "Huang et al. 2016 (arXiv:1608.06993), section 4.2, and its program (liuzhuang13/DenseNet, opts.lua, train.lua "
        "and README.md): fb.resnet.torch",
    ),
)
