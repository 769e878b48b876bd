"""Inception v2. Cadene's pretrainedmodels (and the Caffe release) has all layers on one level."""

from zoo.weights.key_map import Names

CADENE = Names(
    rules=(
        ("conv{i}/{Layer}/conv", "conv{i}_{Layer}"),
        ("conv{i}/{Layer}/bn", "conv{i}_{Layer}_bn"),
        ("inception_{Place}/{Layer}/conv", "inception_{Place}_{Layer}"),
        ("inception_{Place}/{Layer}/bn", "inception_{Place}_{Layer}_bn"),
        ("fc", "last_linear"),
    ),
    bgr="conv1/7x7_s2/conv",
)

NAMES = {"inception_v2_caffe": {"cadene": CADENE}}
