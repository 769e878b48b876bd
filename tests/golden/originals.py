"""The original of each network: which library has it, under which name."""

import re

# Our name: (source, their name). The source is where `zoo.weights.names` has its rules.
ORIGINALS: dict[str, tuple[str, str]] = {
    "alexnet": ("torchvision", "alexnet"),
    **{f"vgg{depth}{norm}": ("torchvision", f"vgg{depth}{norm}") for depth in (11, 13, 16, 19) for norm in ("", "_bn")},
    "googlenet_tv": ("torchvision", "googlenet"),
    **{f"densenet{depth}": ("torchvision", f"densenet{depth}") for depth in (121, 161, 169, 201)},
    **{
        f"regnet_{kind}_{size}": ("torchvision", f"regnet_{kind}_{size}")
        for kind in "xy"
        for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")
    },
    **{f"convnext_{size}": ("torchvision", f"convnext_{size}") for size in ("tiny", "small", "base", "large")},
}

# Networks whose golden logits the default test run checks, the smallest of each family; `slow` checks all.
QUICK = ("alexnet", "vgg11_bn", "googlenet_tv", "densenet121", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny")

# Norms that end a residual branch, of which a quarter is taken: the sum of so many whole branches grows until gates
# saturate, and rounding alone decides the logits.
DAMPED = {
    r"regnet_y_(1_6|3_2|32)gf": r"trunk_output\..*\.f\.c\.1\.weight",
}


def gain(name: str, key: str) -> float:
    """What `fill`'s values for one of the original's arrays are multiplied by."""
    damped = any(re.fullmatch(model, name) and re.fullmatch(norm, key) for model, norm in DAMPED.items())
    return 0.25 if damped else 1.0


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
    if source == "timm":
        import timm

        return timm.create_model(original, pretrained=False).eval()
    from torchvision_import import torchvision

    fields = {"aux_logits": False} if original in ("googlenet", "inception_v3") else {}
    fields |= {"init_weights": False} if original in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, original)(weights=None, **fields).eval()
