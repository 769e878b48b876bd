"""Recipes for ImageNet: networks for small devices, and EfficientNet (see imagenet.py)."""

from zoo.training.config.recipes.imagenet_settings import (
    COLOR,
    CROP,
    CROP_OF_256,
    MNASNET,
    RESNET_COSINE,
    SGD,
    SHUFFLENET,
    SLIM,
    TIMM_MOBILE,
)
from zoo.training.config.recipes.row import Row

MOBILE = (
    Row(
        ("squeezenet*",),
        {
            **SGD,
            "epochs": 68,
            "batch_size": 512,
            "learning_rate": 0.04,
            "rate_batch": 512,
            "schedule": "linear",
            "weight_decay": 2e-4,
            **CROP_OF_256,
        },
        "Iandola et al. 2016 (arXiv:1602.07360): SqueezeNet_v1.0/solver.prototxt, 170,000 steps",
    ),
    Row(
        ("mobilenet_v1*",),
        SLIM,
        "Howard et al. 2017 (arXiv:1704.04861), section 3.2: as Inception v3, without label smoothing and heads; rate "
        "and weight decay of slim (mobilenet_v1_train.py, mobilenet_v1.py); there depthwise kernels have no weight "
        "decay, and no crop is very small",
    ),
    Row(
        ("mobilenet_v2*",),
        {
            **SLIM,
            **COLOR,
            "epochs": 300,
            "rate_batch": 96,
            "decay_rate": 0.98,
            "decay_epochs": 1.0,
            "label_smoothing": 0.1,
        },
        "Sandler et al. 2018 (arXiv:1801.04381), section 6.1; average and label smoothing of its command in slim; "
        "torchvision's 300 epochs",
    ),
    Row(
        ("mobilenet_v3*",),
        {
            **MNASNET,
            "epochs": 600,
            "learning_rate": 0.1,
            "decay_rate": 0.99,
            "decay_epochs": 3.0,
            "dropout": 0.2,
        },
        "Howard et al. 2019 (arXiv:1905.02244), section 6.1.1; epsilon, warmup, label smoothing and crops, which it "
        "does not state, of MnasNet's program; torchvision's 600 epochs (references/classification/README.md)",
    ),
    Row(
        ("mobilenet_v4*",),
        {
            "optimizer": "adamw",
            "epochs": 500,
            "batch_size": 4096,
            "learning_rate": 4e-3,
            "rate_batch": 4096,
            "warmup_epochs": 5.0,
            "weight_decay": 0.1,
            "label_smoothing": 0.1,
            "randaugment": 9.0,
            "randaugment_form": "timm",
            "dropout": 0.2,
            "stochastic_depth": 0.075,
            **CROP,
        },
        "Qin et al. 2024 (arXiv:2404.10518): its program (tensorflow/models, "
        "official/vision/configs/experiments/image_classification/imagenet_mobilenetv4_conv_medium_tpu.yaml); "
        "RandAugment of imagenet_mobilenetv4_conv_small_tpu.yaml, as the 15 of the former are beyond its range here",
    ),
    Row(
        ("lcnet*",),
        {
            **RESNET_COSINE,
            "nesterov": False,
            "epochs": 360,
            "batch_size": 2048,
            "learning_rate": 0.8,
            "rate_batch": 2048,
            "weight_decay": 3e-5,
            "decay_norms": True,
            "label_smoothing": 0.1,
        },
        "PaddleClas (ppcls/configs/ImageNet/PPLCNet/PPLCNet_x1_0.yaml), 512 images on each of four devices, as Cui "
        "et al. 2021 (arXiv:2109.15099), section 4.2, have batches of 2,048",
    ),
    Row(
        ("rexnet*",),
        {
            **RESNET_COSINE,
            "epochs": 400,
            "batch_size": 512,
            "learning_rate": 0.5,
            "rate_batch": 512,
            "weight_decay": 1e-5,
            **TIMM_MOBILE,
        },
        "the authors' command (clovaai/rexnet, README.md), four devices with 128 images each; it is for timm's "
        "program, and warmup and label smoothing are that program's defaults",
    ),
    Row(
        ("ghostnetv2*",),
        {
            **MNASNET,
            "epochs": 450,
            "batch_size": 1024,
            "learning_rate": 0.064,
            "rate_batch": 1024,
            "warmup_epochs": 3.0,
            "decay_rate": 0.973,
            "batch_norm_momentum": None,
            **TIMM_MOBILE,
        },
        "the authors' command (huawei-noah/Efficient-AI-Backbones, ghostnetv2_pytorch/README.md), eight devices with "
        "128 images each, without its noise of the rate; warmup and label smoothing are defaults of its train.py",
    ),
    Row(
        ("ghostnet*",),
        {
            **SHUFFLENET,
            "epochs": 400,
            "learning_rate": 0.4,
            "warmup_epochs": 5.0,
            "schedule": "cosine",
            "dropout": 0.2,
        },
        "the author's answers at GitHub (iamhankai/ghostnet.pytorch, two threads on settings of the training): epochs, "
        "warmup, cosine, rate, and all else as the program of ShuffleNet V2; dropout of the release "
        "(huawei-noah/Efficient-AI-Backbones, ghostnet_pytorch/ghostnet.py), read in a copy",
    ),
    Row(
        ("shufflenet_v2*",),
        SHUFFLENET,
        "Ma et al. 2018 (arXiv:1807.11164) and its program (megvii-model/ShuffleNet-Series): 300,000 steps",
    ),
    Row(
        ("mnasnet*", "mixnet*", "fbnetc*"),
        {**MNASNET, "dropout": 0.2},
        "Tan et al. 2018 (arXiv:1807.11626), section 5, and its program (tensorflow/tpu, models/official/mnasnet, "
        "mnasnet_main.py and mnasnet_utils.py), which MixNet has too; timm's weights of FBNet are of such a recipe",
    ),
    Row(
        ("efficientnet_v2*",),
        {**MNASNET, "randaugment": 10.0, "randaugment_form": "timm"},
        "Tan and Le 2021 (arXiv:2104.00298), section 5.1; at one image size and strength, where it lets them grow: "
        "RandAugment from 5 to 15 of EfficientNetV2-S, and mixup and dropout of the larger ones",
    ),
    Row(
        ("efficientnet*",),
        {**MNASNET, "auto_augment": True},
        "Tan and Le 2019 (arXiv:1905.11946), section 5.2, and its program (tensorflow/tpu)",
    ),
)
