"""The original of each network: which library has it, under which name."""

import re

# Our name: (source, their name). The source is where `zoo.weights.names` has its rules.
ORIGINALS: dict[str, tuple[str, str]] = {
    "alexnet": ("torchvision", "alexnet"),
    **{f"vgg{depth}{norm}": ("torchvision", f"vgg{depth}{norm}") for depth in (11, 13, 16, 19) for norm in ("", "_bn")},
    "googlenet_tv": ("torchvision", "googlenet"),
    **{
        f"efficientnet_{size}": ("torchvision", f"efficientnet_{size}")
        for size in (*(f"b{i}" for i in range(8)), *(f"v2_{size}" for size in "sml"))
    },
    **{f"efficientnet_lite{i}": ("timm", f"tf_efficientnet_lite{i}") for i in range(5)},
}

# Networks whose golden logits the default test run checks, the smallest of each family; `slow` checks all.
QUICK = ("alexnet", "vgg11_bn", "googlenet_tv", "efficientnet_b0", "efficientnet_lite0")


# Norms that end a residual branch, of which a quarter is taken: the sum of so many whole branches grows until gates
# saturate, and rounding alone decides the logits.
DAMPED = {
    r"efficientnet_b[5-7]": r"features\.[2-7]\.[1-9]\d*\.block\.3\.1\.weight",
    r"efficientnet_v2_.": r"features\.(1\.[1-9]\.block\.0|[23]\.[1-9]\.block\.1|[4-7]\.[1-9]\d*\.block\.3)\.1\.weight",
}


def gain(name: str, key: str) -> float:
    """What `fill`'s values for one of the original's arrays are multiplied by."""
    damped = any(re.fullmatch(model, name) and re.fullmatch(norm, key) for model, norm in DAMPED.items())
    return 0.25 if damped else 1.0


def build_original(name: str):
    """The torch module of one of our networks, in evaluation mode, without auxiliary heads."""
    # First for timm too, which imports torchvision.
    from torchvision_import import torchvision

    source, original = ORIGINALS[name]
    if source == "timm":
        import timm

        return timm.create_model(original, pretrained=False).eval()
    fields = {"aux_logits": False} if original in ("googlenet", "inception_v3") else {}
    fields |= {"init_weights": False} if original in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, original)(weights=None, **fields).eval()
