"""The original of each network: the library that has it, its name there, and parameters for the comparison."""

import importlib
import inspect
import re

import numpy as np
from networks.fill import fill

from zoo.weights.import_torchvision import import_torchvision
from zoo.weights.original_names import CADENE, KERAS, TIMM, TIMM_ARGUMENTS, TORCHVISION

# The family of pytorchcv that has a network for CIFAR, and the arguments that make it.
PYTORCHCV = {
    **{f"resnet{n}_cifar": ("resnet_cifar", {"blocks": n, "bottleneck": False}) for n in (20, 32, 44, 56, 110)},
    **{f"preresnet{n}_cifar": ("preresnet_cifar", {"blocks": n, "bottleneck": False}) for n in (20, 56, 110)},
    "preresnet164_cifar": ("preresnet_cifar", {"blocks": 164, "bottleneck": True}),
    "seresnet20_cifar": ("seresnet_cifar", {"blocks": 20, "bottleneck": False}),
    "resnext29_32x4d_cifar": ("resnext_cifar", {"blocks": 29, "cardinality": 32, "bottleneck_width": 4}),
    **{
        f"wrn_{blocks}_{factor}": ("wrn_cifar", {"blocks": blocks, "width_factor": factor})
        for blocks, factor in ((16, 4), (28, 10), (40, 4))
    },
    "pyramidnet110_48": ("pyramidnet_cifar", {"blocks": 110, "alpha": 48, "bottleneck": False}),
    "densenet_40_12": ("densenet_cifar", {"blocks": 40, "growth_rate": 12, "bottleneck": False}),
    "densenet_bc_100_12": ("densenet_cifar", {"blocks": 100, "growth_rate": 12, "bottleneck": True}),
}

# {our name: (library, its name)}; the library names the key map, in zoo/weights/key_maps/.
ORIGINALS: dict[str, tuple[str, str]] = {
    ours: (library, theirs)
    for library, names in (
        ("torchvision", TORCHVISION),
        ("timm", TIMM),
        ("keras", KERAS),
        ("cadene", CADENE),
        ("pytorchcv", {name: family for name, (family, _) in PYTORCHCV.items()}),
    )
    for ours, theirs in names.items()
}

# Patterns of the network and of the key for the last scales of residual branches, which get a quarter of the values of
# `fill`. Otherwise each block doubles the variance: after fifty blocks biases are lost in sums of 1e10, gates saturate,
# and the logits depend on the rounding errors of the original.
DIVIDED_BY_4 = (
    (r"resnet(18|34)d?", r".*\.bn2\.weight"),
    (r"(wide_|se|eca)?res(ne|2ne)(t|xt|trs|st)(14|26|50|101|152|200)[de]?(_\d.*)?", r".*\.bn3\.weight"),
    (r"cspresne(t|xt)50", r".*\.conv3\.bn\.weight"),
    (r"(csp)?darknet53", r".*\.blocks\.\d+\.conv2\.bn\.weight"),
    (r"dla(60|102)", r".*\.(bn3|root\.bn)\.weight"),
    (r"dpn\d+", r".*\.c1x1_c\.conv\.weight"),
    (r"skresnet(18|34)", r".*\.conv2\.bn\.weight"),
    (r"skresne(t|xt)50(_32x4d)?", r".*\.conv3\.bn\.weight"),
    (r"resnet\d+_keras", r".*_3_bn/gamma"),
    (r"resnet\d+v2", r".*\.conv3\.weight"),
    # Its kernels are standardized, whatever their scale.
    (r"resnetv2_152x\d_bit", r".*\.norm3\.(weight|bias)"),
    (r"efficientnet_b[5-7]", r"features\.[2-7]\.[1-9]\d*\.block\.3\.1\.weight"),
    (r"efficientnet_v2_.", r"features\.(1\.[1-9]\.block\.0|[23]\.[1-9]\.block\.1)\.1\.weight"),
    (r"efficientnet_v2_.", r"features\.[4-7]\.[1-9]\d*\.block\.3\.1\.weight"),
    (r"mobilenet_v4_conv_.*", r"blocks\.[1-3]\.[1-9]\d*\.pw_proj\.bn\.weight"),
    (r"mixnet_.|fbnetc_100", r"blocks\.[1-6]\.[1-9]\d*\.bn3\.weight"),
    (r"rexnet_\d+", r"features\.\d+\.conv_pwl\.bn\.weight"),
    (r"ghostnet(v2)?_100", r"blocks\..*\.ghost2\.(primary_conv|cheap_operation)\.1\.weight"),
    (r"efficientnet_e.", r"blocks\.([12]\.[1-9]\.bn2|[3-5]\.[1-9]\d*\.bn3)\.weight"),
    (r"efficientnet_b[5-7]_tf", r"blocks\.[1-6]\.[1-9]\d*\.bn3\.weight"),
    (r"efficientnet_v2_.*_tf", r"blocks\.(0\.\d+\.bn1|[12]\.[1-9]\.bn2|[3-6]\.[1-9]\d*\.bn3)\.weight"),
    (r"xception", r".*\.rep\.8\.weight"),
    (r"(se)?resnet\d+_cifar", r".*\.body\.conv2\.bn\.weight"),
    (r"resnext29_32x4d_cifar", r".*\.body\.conv3\.bn\.weight"),
    (r"preresnet(20|56|110)_cifar|wrn_\d+_\d+", r".*\.body\.conv2\.conv\.weight"),
    (r"preresnet164_cifar", r".*\.body\.conv3\.conv\.weight"),
    (r"pyramidnet110_48", r".*\.unit\d+\.bn\.weight"),
    (r"hgnetv2_b[56]", r"stages\.\d\.blocks\.[1-9]\.aggregation\.1\.bn\.weight"),
    (r"hrnet_w(18|32|48)", r"stage\d\.\d\.branches\.\d\.\d\.bn2\.weight"),
    (r"xception\d\d", r"blocks\.\d+\.stack\.conv3\.bn_pw\.weight"),
    (r"nasnet_.*_keras", r".*/separable_conv_2_bn_.*/gamma"),
    (r"nasnetalarge|pnasnet5large", r".*\.bn_sep_2\.weight"),
    (r"regnet_y_(1_6|3_2|32|128)gf", r"trunk_output\..*\.f\.c\.1\.weight"),
    (r"repvgg_.*", r".*\.(conv_1x1\.bn|identity)\.weight"),
    (r"mobileone_s0", r".*\.(conv_kxk\.\d|conv_scale)\.bn\.weight"),
    (r"mobileone_s[1-4]", r".*\.(conv_scale\.bn|identity)\.weight"),
    (r"inception_next_.*", r".*\.gamma"),
    (r"starnet_.*", r".*\.(f[12]\.conv|g\.bn|dwconv2\.conv)\.weight"),
    (r"eca_nfnet_.*", r".*\.conv3\.gain"),
    (r"fasternet_.*", r".*\.mlp\.3\.weight"),
)


def is_divided_by_4(name: str, key: str) -> bool:
    """Whether the parameter of the network gets a quarter of its values, in live comparisons too."""
    return any(re.fullmatch(network, name) and re.fullmatch(part, key) for network, part in DIVIDED_BY_4)


def parameter(name: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The parameter of the original under `key`: a fixed function of the key and of its shape."""
    values = fill(key, shape, outputs_first=ORIGINALS[name][0] != "keras")
    return values / 4 if is_divided_by_4(name, key) else values


def build_original(name: str, *, initialised: bool = False):
    """The original: a torch module in evaluation mode, without auxiliary heads, or a Keras model.

    With `initialised` it has auxiliary heads, and its library's initial values, which take long where they are skipped
    otherwise.
    """
    library, original = ORIGINALS[name]
    if library == "keras":
        return build_keras(original)
    if library == "cadene":
        import pretrainedmodels

        return getattr(pretrainedmodels, original)(pretrained=None).eval()
    # Before timm, which imports torchvision itself.
    torchvision = import_torchvision()

    if library == "pytorchcv":
        family, arguments = PYTORCHCV[name]
        module = importlib.import_module(f"pytorchcv.models.{family}")
        return getattr(module, f"get_{family}")(num_classes=10, **arguments).eval()
    if library == "timm":
        import timm

        return timm.create_model(original, pretrained=False, **TIMM_ARGUMENTS.get(original, {})).eval()
    has_heads = original in ("googlenet", "inception_v3")
    heads = {"aux_logits": initialised, "init_weights": initialised} if has_heads else {}
    return getattr(torchvision.models, original)(weights=None, **heads).eval()


def build_keras(original: str):
    """A model of Keras Applications that gives logits, for the images that ours takes where it can be told to."""
    import os

    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    # Keras numbers layers without a name, starting with the first after this call.
    keras.utils.clear_session()
    build = getattr(keras.applications, original)
    plain = {"include_preprocessing": False} if "include_preprocessing" in inspect.signature(build).parameters else {}
    return build(weights=None, classifier_activation=None, **plain)
