"""The original of each network: which library has it, under which name, and the parameters that it is given."""

import numpy as np
from fill import fill

# Our name: (source, their name). The source is where `zoo.weights.names` has its rules.
ORIGINALS: dict[str, tuple[str, str]] = {
    "alexnet": ("torchvision", "alexnet"),
    **{f"vgg{depth}{norm}": ("torchvision", f"vgg{depth}{norm}") for depth in (11, 13, 16, 19) for norm in ("", "_bn")},
    "googlenet_tv": ("torchvision", "googlenet"),
    "inception_v2_caffe": ("cadene", "bninception"),
    "inception_v3": ("torchvision", "inception_v3"),
    "inception_v3_keras": ("keras", "InceptionV3"),
    "inception_v4": ("timm", "inception_v4"),
    "inception_resnet_v2": ("timm", "inception_resnet_v2"),
    "inception_resnet_v2_keras": ("keras", "InceptionResNetV2"),
    "xception": ("timm", "legacy_xception"),
    **{f"resnet{depth}": ("torchvision", f"resnet{depth}") for depth in (18, 34, 50, 101, 152)},
    **{name: ("torchvision", name) for name in ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")},
    **{name: ("torchvision", name) for name in ("wide_resnet50_2", "wide_resnet101_2")},
    "seresnet50": ("timm", "seresnet50"),
    **{f"resnet{depth}_keras": ("keras", f"ResNet{depth}") for depth in (50, 101, 152)},
    **{f"resnet{depth}v2": ("timm", f"resnetv2_{depth}") for depth in (50, 101, 152)},
}

# Networks whose golden logits the default test run checks, the smallest of each family; `slow` checks all.
QUICK = ("alexnet", "vgg11_bn", "googlenet_tv", "resnet18", "resnet50_keras", "resnet50v2", "inception_v2_caffe")

# What ends the branches of residual networks has a quarter of `fill`'s values. Else each block doubles the variance:
# after fifty of them biases are lost in sums of 1e10, and the gates of SE-ResNet saturate.
QUARTER = {
    **{f"resnet{depth}": ".bn2.weight" for depth in (18, 34)},
    **{f"resnet{depth}": ".bn3.weight" for depth in (50, 101, 152)},
    **{name: ".bn3.weight" for name in ORIGINALS if name.startswith(("resnext", "wide_resnet", "seresnet"))},
    **{f"resnet{depth}_keras": "_3_bn/gamma" for depth in (50, 101, 152)},
    **{f"resnet{depth}v2": ".conv3.weight" for depth in (50, 101, 152)},
    "xception": ".rep.8.weight",
}


def parameter(name: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The original's parameter under `key`: a fixed function of that and of its shape."""
    values = fill(key, shape, outputs_first=ORIGINALS[name][0] != "keras")
    return values / 4 if name in QUARTER and QUARTER[name] in key else values


def build_original(name: str):
    """The torch module of one of our networks in evaluation mode, without auxiliary heads, or the Keras model."""
    source, original = ORIGINALS[name]
    if source == "keras":
        import os

        os.environ["KERAS_BACKEND"] = "jax"
        import keras

        # Layers without a name are numbered from the first since this.
        keras.utils.clear_session()
        return getattr(keras.applications, original)(weights=None, classifier_activation=None)
    from torchvision_import import torchvision

    if source == "timm":
        import timm

        return timm.create_model(original, pretrained=False).eval()
    if source == "cadene":
        import pretrainedmodels

        return getattr(pretrainedmodels, original)(pretrained=None).eval()
    fields = {"aux_logits": False} if original in ("googlenet", "inception_v3") else {}
    fields |= {"init_weights": False} if original in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, original)(weights=None, **fields).eval()
