"""The original of each network: the library that has it, its name there, and parameters for the comparison."""

import re

import numpy as np
from networks.fill import fill

REGNET_SIZES = ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")

TORCHVISION = {
    **{name: name for name in ("alexnet", "squeezenet1_0", "squeezenet1_1", "inception_v3", "mobilenet_v2")},
    **{f"vgg{depth}{norm}": f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")},
    "googlenet_tv": "googlenet",
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    **{name: name for name in ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")},
    **{name: name for name in ("wide_resnet50_2", "wide_resnet101_2")},
    **{f"densenet{depth}": f"densenet{depth}" for depth in (121, 161, 169, 201)},
    **{f"mobilenet_v3_{size}": f"mobilenet_v3_{size}" for size in ("small", "large")},
    **{f"shufflenet_v2_x{width}": f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")},
    **{f"mnasnet{width}": f"mnasnet{width}" for width in ("0_5", "0_75", "1_0", "1_3")},
    **{f"efficientnet_b{i}": f"efficientnet_b{i}" for i in range(8)},
    **{f"efficientnet_v2_{size}": f"efficientnet_v2_{size}" for size in "sml"},
    **{f"regnet_{kind}_{size}": f"regnet_{kind}_{size}" for kind in "xy" for size in REGNET_SIZES},
    **{f"convnext_{size}": f"convnext_{size}" for size in ("tiny", "small", "base", "large")},
}
TIMM = {
    "inception_v4": "inception_v4",
    "inception_resnet_v2": "inception_resnet_v2",
    "xception": "legacy_xception",
    "seresnet50": "seresnet50",
    **{f"resnet{depth}v2": f"resnetv2_{depth}" for depth in (50, 101, 152)},
    "mobilenet_v1": "mobilenetv1_100",
    **{f"efficientnet_lite{i}": f"tf_efficientnet_lite{i}" for i in range(5)},
}
KERAS = {
    **{f"resnet{depth}_keras": f"ResNet{depth}" for depth in (50, 101, 152)},
    "inception_v3_keras": "InceptionV3",
    "inception_resnet_v2_keras": "InceptionResNetV2",
}
# Networks whose original is torchvision's, and which timm has too, with other key names.
_WIDTHS = {"0_5": "050", "0_75": "075", "1_0": "100"}
_REGNETS = dict(zip(REGNET_SIZES, ("004", "008", "016", "032", "080", "160", "320"), strict=True))
_REGNETS_TV = {"x_400mf": "regnetx_004_tv", "y_800mf": "regnety_008_tv", "y_8gf": "regnety_080_tv"}
_SAME_NAME = ("vgg", "resne", "wide_resnet", "densenet", "convnext", "inception_v3", "efficientnet_b")
TIMM_TOO = {
    **{name: name for name in TORCHVISION if name.startswith(_SAME_NAME)},
    "mobilenet_v2": "mobilenetv2_100",
    **{f"mobilenet_v3_{size}": f"mobilenetv3_{size}_100" for size in ("small", "large")},
    **{f"mnasnet{ours}": f"mnasnet_{theirs}" for ours, theirs in _WIDTHS.items()},
    **{f"efficientnet_v2_{size}": f"efficientnetv2_{size}" for size in "sml"},
    **{f"regnet_{kind}_{size}": f"regnet{kind}_{_REGNETS[size]}" for kind in "xy" for size in REGNET_SIZES},
    **{f"regnet_{name}": theirs for name, theirs in _REGNETS_TV.items()},
}
CADENE = {"inception_v2_caffe": "bninception"}

# Our name: (source, their name). The source names the key map, in zoo/weights/key_maps/.
ORIGINALS: dict[str, tuple[str, str]] = {
    ours: (source, theirs)
    for source, names in (("torchvision", TORCHVISION), ("timm", TIMM), ("keras", KERAS), ("cadene", CADENE))
    for ours, theirs in names.items()
}

# Patterns of the network and of the key for the last scales of residual branches, which get a quarter of the values of
# `fill`. Otherwise each block doubles the variance: after fifty blocks biases are lost in sums of 1e10, gates saturate,
# and the logits depend on the rounding errors of the original.
DIVIDED_BY_4 = (
    (r"resnet(18|34)", r".*\.bn2\.weight"),
    (r"(wide_|se)?resne(t|xt)(50|101|152)(_\d.*)?", r".*\.bn3\.weight"),
    (r"resnet\d+_keras", r".*_3_bn/gamma"),
    (r"resnet\d+v2", r".*\.conv3\.weight"),
    (r"efficientnet_b[5-7]", r"features\.[2-7]\.[1-9]\d*\.block\.3\.1\.weight"),
    (r"efficientnet_v2_.", r"features\.(1\.[1-9]\.block\.0|[23]\.[1-9]\.block\.1)\.1\.weight"),
    (r"efficientnet_v2_.", r"features\.[4-7]\.[1-9]\d*\.block\.3\.1\.weight"),
    (r"xception", r".*\.rep\.8\.weight"),
    (r"regnet_y_(1_6|3_2|32)gf", r"trunk_output\..*\.f\.c\.1\.weight"),
)


def parameter(name: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The parameter of the original under `key`: a fixed function of the key and of its shape."""
    values = fill(key, shape, outputs_first=ORIGINALS[name][0] != "keras")
    small = any(re.fullmatch(network, name) and re.fullmatch(part, key) for network, part in DIVIDED_BY_4)
    return values / 4 if small else values


def build_original(name: str):
    """The original: a torch module in evaluation mode, without auxiliary heads, or a Keras model."""
    source, original = ORIGINALS[name]
    if source == "keras":
        import os

        os.environ["KERAS_BACKEND"] = "jax"
        import keras

        # Keras numbers layers without a name, starting with the first after this call.
        keras.utils.clear_session()
        return getattr(keras.applications, original)(weights=None, classifier_activation=None)
    if source == "cadene":
        import pretrainedmodels

        return getattr(pretrainedmodels, original)(pretrained=None).eval()
    # Before timm, which imports torchvision itself.
    from torchvision_import import torchvision

    if source == "timm":
        import timm

        return timm.create_model(original, pretrained=False).eval()
    heads = {"aux_logits": False, "init_weights": False} if original in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, original)(weights=None, **heads).eval()
