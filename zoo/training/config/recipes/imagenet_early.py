"""Recipes for ImageNet: plain networks, and those of Inception modules and searched cells (see imagenet.py)."""

from zoo.training.config.recipes.imagenet_settings import (
    BN_INCEPTION,
    CAFFE,
    COLOR,
    CROP,
    INCEPTION,
    NASNET,
    RESNET_TORCHVISION,
    SGD,
)
from zoo.training.config.recipes.row import Row

NASNET_SOURCE = (
    "the notes on training of the release (tensorflow/models, research/slim/nets/nasnet/nasnet.py); RMSProp, average, "
    "label smoothing and dropout of Zoph et al. 2017 (arXiv:1707.07012), appendix A.7, whose crops are those of "
    "Inception's program; no auxiliary head"
)

EARLY = (
    Row(
        ("alexnet_2012",),
        {**CAFFE, "epochs": 90, "batch_size": 128, "rate_batch": 128, "decay_at": "20,40,60", "lighting": 0.1},
        "Krizhevsky et al. 2012, section 5; it was divided by 10 by hand, here at the epochs of Caffe's bvlc_alexnet",
    ),
    Row(
        ("alexnet",),
        # 250 ** (-1 / 3)
        {
            **CAFFE,
            "epochs": 90,
            "batch_size": 128,
            "rate_batch": 128,
            "decay_rate": 0.15874,
            "decay_at": "22.5,45,67.5",
            "lighting": 0.1,
        },
        "Krizhevsky 2014 (arXiv:1404.5997), section 5",
    ),
    Row(
        ("zfnet",),
        {**CAFFE, "epochs": 70, "batch_size": 128, "rate_batch": 128, "decay_at": "20,40,60"},
        "Zeiler and Fergus 2013 (arXiv:1311.2901), section 3; the rate was lowered by hand, here at the epochs of "
        "Caffe's bvlc_alexnet; weight decay, which it does not state, of AlexNet; its crops were ten fixed ones, and "
        "filters of a larger RMS than 0.1 were scaled to it",
    ),
    Row(
        ("nin",),
        {**CAFFE, "epochs": 22, "batch_size": 64, "rate_batch": 64, "decay_epochs": 10.0},
        "Network in Network of the Caffe model zoo: 450,000 steps, a tenth of the rate after each 200,000; its solver "
        "was read in a copy (stephenyan1231/caffe-public, models/nin_imagenet), whose batch is 128; the model zoo's 64 "
        "was not found again",
    ),
    Row(
        ("vgg*_bn",),
        RESNET_TORCHVISION,
        "torchvision (references/classification/README.md): its defaults, as for ResNet; the paper has no batch norm",
    ),
    Row(
        ("vgg*",),
        {
            **CAFFE,
            "epochs": 74,
            "batch_size": 256,
            "rate_batch": 256,
            "decay_at": "20,40,60",
            "crop_sizes": "256-512",
            "lighting": 0.1,
        },
        "Simonyan and Zisserman 2014 (arXiv:1409.1556), section 3.1; three decays on a plateau, here at the epochs of "
        "Caffe's bvlc_alexnet",
    ),
    Row(
        ("googlenet",),
        {
            **SGD,
            "epochs": 60,
            "batch_size": 32,
            "learning_rate": 0.01,
            "rate_batch": 32,
            "schedule": "polynomial",
            "decay_power": 0.5,
            "weight_decay": 2e-4,
            "aux_heads": True,
            "aux_weight": 0.3,
            **CROP,
        },
        "Caffe's bvlc_googlenet, quick_solver.prototxt (the paper has no learning rate); crops of the paper, section 6",
    ),
    Row(
        ("googlenet_*",),
        {**BN_INCEPTION, "aux_heads": True, "aux_weight": 0.3},
        "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 4.2: BN-x30; heads of GoogLeNet",
    ),
    Row(
        ("inception_v2*",),
        BN_INCEPTION,
        "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 4.2: BN-x30, 6 million steps of 32 images; the rate decays "
        "six times as fast as 4 % in 8 epochs; weight decay 1/5 of Caffe's",
    ),
    Row(
        ("inception_v3*",),
        {**INCEPTION, "aux_heads": True, "aux_weight": 0.4},
        "Szegedy et al. 2015 (arXiv:1512.00567), section 8; weight decay, average and weight of the head of its "
        "program (tensorflow/models, research/inception)",
    ),
    Row(
        ("inception_v4", "inception_resnet_v2*"),
        {**INCEPTION, "epochs": 160, "clip_norm": 0.0},
        "Szegedy et al. 2016 (arXiv:1602.07261), section 4; epochs of its figures; weight decay, average and label "
        "smoothing of Inception v3's program",
    ),
    Row(
        ("xception", "xception_keras"),
        {
            **SGD,
            "epochs": 100,
            "batch_size": 256,
            "learning_rate": 0.045,
            "rate_batch": 256,
            "schedule": "staircase",
            "decay_rate": 0.94,
            "decay_epochs": 2.0,
            "weight_decay": 1e-5,
            "dropout": 0.5,
            "ema": 0.9999,
            **CROP,
            **COLOR,
        },
        "Chollet 2016 (arXiv:1610.02357), sections 4.2 and 4.3; batch, epochs, crops and the average's decay are not "
        "stated",
    ),
    Row(
        ("xception[0-9]*",),
        {
            **SGD,
            "nesterov": True,
            "epochs": 100,
            "batch_size": 256,
            "learning_rate": 0.05,
            "rate_batch": 32,
            "schedule": "staircase",
            "decay_rate": 0.94,
            "decay_epochs": 2.0,
            "weight_decay": 4e-5,
            **CROP,
        },
        "Chen et al. 2018 (arXiv:1802.02611), section 4.3; epochs and crops, which it does not state, of Inception",
    ),
    Row(
        ("nasnet_mobile*",),
        {**NASNET, "learning_rate": 2.0, "weight_decay": 4e-5},
        f"{NASNET_SOURCE}; 50 devices with 32 images each",
    ),
    Row(
        ("nasnet*", "pnasnet*"),
        NASNET,
        f"{NASNET_SOURCE}, no drop-path; 100 devices with 16 images each",
    ),
)
