"""The original of each network: which library has it, under which name."""

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
