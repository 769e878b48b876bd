"""Parameter counts and multiply-adds from outside: torchvision, timm, Keras, and arithmetic over the papers' tables."""

import json
from pathlib import Path

_COUNTS = json.loads((Path(__file__).with_name("models") / "param_counts.json").read_text())

# Our names where the file says it in words.
_ALIASES = {
    "lenet5": "lenet5_modern_dense_c3_10cls",
    "lenet5_1998": "lenet5_1998_trainable (sparse C3, trainable subsampling, fixed RBF)",
    "alexnet_2012": "alexnet_2012_two_tower",
    "nin": "nin_imagenet_caffe_zoo",
    "nin_cifar10": "nin_cifar10_10cls",
    "googlenet": "googlenet_paper_5x5_bias_noaux (=bvlc_googlenet deploy)",
    "googlenet_bn": "googlenet_5x5_bn_noaux",
    "googlenet_tv": "googlenet",
    "inception_v2": "bn_inception_paper_4c4d_pool96_nobias",
    "inception_v2_caffe": "bn_inception_caffe_4c4d_pool128_bias (=Cadene/pytorchcv)",
}

WITH_AUX_HEADS = {
    "googlenet": _COUNTS["googlenet_paper_5x5_bias_aux (=bvlc_googlenet train)"]["computed_from_layer_table"],
    "googlenet_bn": _COUNTS["googlenet_5x5_bn_aux"]["computed_from_layer_table"],
    "googlenet_tv": _COUNTS["googlenet_aux"]["torchvision"],
    "inception_v3": _COUNTS["inception_v3_aux"]["torchvision"],
}


def record(name: str) -> dict:
    """What is published of a network of ours; of a `_keras` variant, what Keras says of its network."""
    if name.endswith("_keras"):
        return {"keras": _COUNTS[name.removesuffix("_keras")]["keras"]}
    return _COUNTS[_ALIASES.get(name, name)]


def parameters(name: str) -> int:
    """Learnable parameters at 1000 classes (or the ten of its own data set)."""
    published = record(name)
    sources = ("torchvision", "timm", "keras", "computed_from_layer_table")
    return next(published[source] for source in sources if source in published)
