"""The original of each network: which library has it, under which name."""

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
}

# Networks whose golden logits the default test run checks, the smallest of each family; `slow` checks all.
QUICK = ("alexnet", "vgg11_bn", "googlenet_tv", "inception_v2_caffe")


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
