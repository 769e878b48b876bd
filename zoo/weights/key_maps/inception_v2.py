"""Inception v2. Cadene's pretrainedmodels (and the Caffe release) has all layers on one level."""

from zoo.weights.key_map import KeyMap

CADENE = KeyMap(
    rules=(
        ("conv{i}/{Layer}/conv", "conv{i}_{Layer}"),
        ("conv{i}/{Layer}/bn", "conv{i}_{Layer}_bn"),
        ("inception_{Block}/{Layer}/conv", "inception_{Block}_{Layer}"),
        ("inception_{Block}/{Layer}/bn", "inception_{Block}_{Layer}_bn"),
        ("fc", "last_linear"),
    ),
    bgr="conv1/7x7_s2/conv",
)

KEY_MAPS = {"inception_v2_caffe": {"cadene": CADENE}}
