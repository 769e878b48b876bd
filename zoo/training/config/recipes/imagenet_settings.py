"""What several recipes for ImageNet have in common."""

from typing import Any

# The random crop of GoogLeNet's section 6, which most papers after it use; evaluation as with 224 of 256 pixels.
CROP: dict[str, Any] = {"crop": 0.08, "flip": True, "eval_crop": 0.875}
# That of AlexNet: 224 of 256 pixels. For other image sizes both are scaled.
CROP_OF_256: dict[str, Any] = {"crop_sizes": "256", "flip": True, "eval_crop": 0.875}
SGD: dict[str, Any] = {"optimizer": "sgd", "nesterov": False, "warmup_epochs": 0.0}
CAFFE: dict[str, Any] = {**SGD, "learning_rate": 0.01, "weight_decay": 5e-4, "schedule": "staircase", **CROP_OF_256}
# Goyal et al. 2017, section 5.1: no decay of norms, Nesterov momentum.
RESNET_90: dict[str, Any] = {
    "optimizer": "sgd",
    "epochs": 90,
    "batch_size": 256,
    "learning_rate": 0.1,
    "rate_batch": 256,
    "warmup_epochs": 5.0,
    "schedule": "staircase",
    "decay_at": "30,60,80",
    "weight_decay": 1e-4,
    **CROP,
}
RESNET_COSINE: dict[str, Any] = {
    **{name: value for name, value in RESNET_90.items() if name != "decay_at"},
    "schedule": "cosine",
}
# fb.resnet.torch, of which most later programs of 2016 and 2017 are copies: it decays norms and biases too.
RESNET_TORCH: dict[str, Any] = {
    **RESNET_90,
    "warmup_epochs": 0.0,
    "decay_at": "30,60",
    "decay_norms": True,
    "color_jitter": 0.4,
    "lighting": 0.1,
}
# The defaults of torchvision's references/classification/train.py.
RESNET_TORCHVISION: dict[str, Any] = {
    **RESNET_90,
    "nesterov": False,
    "warmup_epochs": 0.0,
    "decay_at": "30,60",
    "decay_norms": True,
}
# The programs of Inception in TensorFlow, also for MobileNet (models/research/slim, models/research/inception).
SLIM: dict[str, Any] = {
    "optimizer": "rmsprop",
    "rms_epsilon": 1.0,
    "epochs": 100,
    "batch_size": 256,
    "learning_rate": 0.045,
    "rate_batch": 32,
    "warmup_epochs": 0.0,
    "schedule": "staircase",
    "decay_rate": 0.94,
    "decay_epochs": 2.0,
    "weight_decay": 4e-5,
    "ema": 0.9999,
    **CROP,
}
# Its distortion of colors: contrast and saturation are multiplied by 0.5 to 1.5, the hue is turned by up to 0.2.
COLOR: dict[str, Any] = {"color_jitter": 0.5, "hue_jitter": 0.2}
INCEPTION: dict[str, Any] = {**SLIM, **COLOR, "clip_norm": 2.0, "label_smoothing": 0.1}
BN_INCEPTION: dict[str, Any] = {
    **SGD,
    "epochs": 150,
    "batch_size": 256,
    "learning_rate": 0.045,
    "rate_batch": 32,
    "schedule": "staircase",
    "decay_rate": 0.96,
    "decay_epochs": 1.333,
    "weight_decay": 4e-5,
    **CROP,
}
# The program of MnasNet, which EfficientNet and MobileNetV3 took over (tensorflow/tpu).
MNASNET: dict[str, Any] = {
    "optimizer": "rmsprop",
    "rms_epsilon": 1e-3,
    "epochs": 350,
    "batch_size": 4096,
    "learning_rate": 0.256,
    "rate_batch": 4096,
    "warmup_epochs": 5.0,
    "schedule": "staircase",
    "decay_rate": 0.97,
    "decay_epochs": 2.4,
    "weight_decay": 1e-5,
    "label_smoothing": 0.1,
    "batch_norm_momentum": 0.99,
    "ema": 0.9999,
    **CROP,
}
# What the commands of ReXNet and GhostNet V2 for timm's program have in common.
TIMM_MOBILE: dict[str, Any] = {
    "label_smoothing": 0.1,
    "randaugment": 9.0,
    "randaugment_std": 0.5,
    "randaugment_form": "timm",
    # Theirs is bilinear or bicubic, at random for each operation.
    "augment_interpolation": "bilinear",
    "erase": 0.2,
    "erase_area": 0.3333,
    "erase_noise": True,
    "dropout": 0.2,
}
# ShuffleNet V2 (megvii-model/ShuffleNet-Series), which GhostNet took over.
SHUFFLENET: dict[str, Any] = {
    **SGD,
    "epochs": 240,
    "batch_size": 1024,
    "learning_rate": 0.5,
    "rate_batch": 1024,
    "schedule": "linear",
    "weight_decay": 4e-5,
    "label_smoothing": 0.1,
    "color_jitter": 0.4,
    **CROP,
}
MOBILEONE: dict[str, Any] = {
    **RESNET_COSINE,
    "nesterov": False,
    "warmup_epochs": 0.0,
    "epochs": 300,
    "label_smoothing": 0.1,
    "ema": 0.9995,
}
# DeiT's augmentation with ConvNeXt's rates.
CONVNEXT: dict[str, Any] = {
    "optimizer": "adamw",
    "epochs": 300,
    "batch_size": 4096,
    "learning_rate": 4e-3,
    "rate_batch": 4096,
    "warmup_epochs": 20.0,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "mixup": 0.8,
    "cutmix": 1.0,
    "randaugment": 9.0,
    "randaugment_std": 0.5,
    "augment_interpolation": "bicubic",
    "erase": 0.25,
    "erase_area": 0.3333,
    "erase_noise": True,
    "layer_scale": 1e-6,
    **CROP,
}
FASTERNET: dict[str, Any] = {
    "optimizer": "adamw",
    "epochs": 300,
    "batch_size": 4096,
    "learning_rate": 4e-3,
    "rate_batch": 4096,
    "warmup_epochs": 20.0,
    "weight_decay": 5e-3,
    "label_smoothing": 0.1,
    "mixup": 0.05,
    "cutmix": 1.0,
    **CROP,
}
STARNET: dict[str, Any] = {
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
    "erase": 0.25,
    "erase_area": 0.3333,
    "erase_noise": True,
    **CROP,
}
NASNET: dict[str, Any] = {
    **SLIM,
    **COLOR,
    "epochs": 312,
    "batch_size": 1600,
    "learning_rate": 1.5,
    "rate_batch": 1600,
    "decay_rate": 0.97,
    "decay_epochs": 2.4,
    "weight_decay": 5e-5,
    "label_smoothing": 0.1,
    "clip_norm": 10.0,
    "dropout": 0.5,
}
# The rate is that of NF-ResNet and NFNet for 256 images; kernels alone have weight decay.
NFNET: dict[str, Any] = {
    **RESNET_COSINE,
    "epochs": 360,
    "batch_size": 4096,
    "weight_decay": 2e-5,
    "label_smoothing": 0.1,
    "clip_adaptive": 0.01,
}
