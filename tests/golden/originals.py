"""The original of each network: which library has it, under which name."""

# Our name: (source, their name). The source is where `zoo.weights.names` has its rules.
ORIGINALS: dict[str, tuple[str, str]] = {
    "alexnet": ("torchvision", "alexnet"),
    **{f"vgg{depth}{norm}": ("torchvision", f"vgg{depth}{norm}") for depth in (11, 13, 16, 19) for norm in ("", "_bn")},
    "googlenet_tv": ("torchvision", "googlenet"),
    "squeezenet1_0": ("torchvision", "squeezenet1_0"),
    "squeezenet1_1": ("torchvision", "squeezenet1_1"),
    "mobilenet_v1": ("timm", "mobilenetv1_100"),
    "mobilenet_v2": ("torchvision", "mobilenet_v2"),
    "mobilenet_v3_small": ("torchvision", "mobilenet_v3_small"),
    "mobilenet_v3_large": ("torchvision", "mobilenet_v3_large"),
    **{f"shufflenet_v2_x{width}": ("torchvision", f"shufflenet_v2_x{width}") for width in ("0_5", "1_0", "1_5", "2_0")},
    **{f"mnasnet{width}": ("torchvision", f"mnasnet{width}") for width in ("0_5", "0_75", "1_0", "1_3")},
}

# Networks whose golden logits the default test run checks, the smallest of each family; `slow` checks all.
QUICK = (
    "alexnet",
    "vgg11_bn",
    "googlenet_tv",
    "squeezenet1_1",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
)


def build_original(name: str):
    """The torch module of one of our networks, in evaluation mode, without auxiliary heads."""
    source, original = ORIGINALS[name]
    from torchvision_import import torchvision  # First: timm imports torchvision itself.

    if source == "timm":
        import timm

        return timm.create_model(original, pretrained=False).eval()
    fields = {"aux_logits": False} if original in ("googlenet", "inception_v3") else {}
    fields |= {"init_weights": False} if original in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, original)(weights=None, **fields).eval()
