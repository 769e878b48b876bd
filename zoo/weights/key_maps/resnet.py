"""ResNet and its relatives. timm has torchvision's names."""

from zoo.models.res2net import TABLE as RES2NET_TABLE
from zoo.models.resnest import TABLE as RESNEST_TABLE
from zoo.models.resnet import TABLE
from zoo.models.resnet_d import TABLE as D_TABLE
from zoo.models.resnet_keras import TABLE as KERAS_TABLE
from zoo.models.sknet import TABLE as SK_TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.transformers_keys import conv_and_norm_rules

TORCHVISION = KeyMap(
    rules=(
        ("conv1/conv", "conv1"),
        ("conv1/bn", "bn1"),
        ("conv{s}_{b}/conv{i}/conv", "layer{s-1}.{b-1}.conv{i}"),
        ("conv{s}_{b}/conv{i}/bn", "layer{s-1}.{b-1}.bn{i}"),
        ("conv{s}_{b}/downsample/conv", "layer{s-1}.{b-1}.downsample.0"),
        ("conv{s}_{b}/downsample/bn", "layer{s-1}.{b-1}.downsample.1"),
        ("conv{s}_{b}/se/{Layer}", "layer{s-1}.{b-1}.se.{Layer}"),
        ("fc", "fc"),
    )
)

TRANSFORMERS_MODULES = (
    ("conv1", "embedder.embedder"),
    ("conv{s}_{b}/conv{i}", "encoder.stages.{s-2}.layers.{b-1}.layer.{i-1}"),
    ("conv{s}_{b}/downsample", "encoder.stages.{s-2}.layers.{b-1}.shortcut"),
)
TRANSFORMERS = KeyMap((*conv_and_norm_rules("resnet", TRANSFORMERS_MODULES), ("fc", "classifier.1")))
IN_TRANSFORMERS = tuple(f"resnet{depth}" for depth in (18, 34, 50, 101, 152))

# The stem is a sequence with activations between, and the average pool comes first in `downsample`.
TIMM_D = KeyMap(
    rules=(
        ("conv1_1/conv", "conv1.0"),
        ("conv1_1/bn", "conv1.1"),
        ("conv1_2/conv", "conv1.3"),
        ("conv1_2/bn", "conv1.4"),
        ("conv1_3/conv", "conv1.6"),
        ("conv1_3/bn", "bn1"),
        ("pool/conv", "maxpool.0"),
        ("pool/bn", "maxpool.1"),
        ("conv{s}_{b}/downsample/conv", "layer{s-1}.{b-1}.downsample.1"),
        ("conv{s}_{b}/downsample/bn", "layer{s-1}.{b-1}.downsample.2"),
        ("conv{s}_{b}/eca/conv", "layer{s-1}.{b-1}.se.conv"),
        *TORCHVISION.rules,
    ),
    one_dimensional=("conv{s}_{b}/eca/conv",),
)

_BLOCK, _THEIRS = "conv{s}_{b}", "layer{s-1}.{b-1}"

RESNEST = KeyMap(
    rules=(
        (f"{_BLOCK}/conv2/conv/conv", f"{_THEIRS}.conv2.conv"),
        (f"{_BLOCK}/conv2/conv/bn", f"{_THEIRS}.conv2.bn0"),
        (f"{_BLOCK}/conv2/attention/fc{{i}}/conv", f"{_THEIRS}.conv2.fc{{i}}"),
        (f"{_BLOCK}/conv2/attention/fc1/bn", f"{_THEIRS}.conv2.bn1"),
        *TIMM_D.rules,
    )
)

SK = KeyMap(
    rules=(
        (f"{_BLOCK}/conv{{i}}/path{{p}}/{{Part}}", f"{_THEIRS}.conv{{i}}.paths.{{p-1}}.{{Part}}"),
        (f"{_BLOCK}/conv{{i}}/attention/fc1/conv", f"{_THEIRS}.conv{{i}}.attn.fc_reduce"),
        (f"{_BLOCK}/conv{{i}}/attention/fc1/bn", f"{_THEIRS}.conv{{i}}.attn.bn"),
        (f"{_BLOCK}/conv{{i}}/attention/fc2/conv", f"{_THEIRS}.conv{{i}}.attn.fc_select"),
        (f"{_BLOCK}/conv{{i}}/{{Part}}", f"{_THEIRS}.conv{{i}}.{{Part}}"),
        *TORCHVISION.rules,
    )
)

RES2NET = KeyMap(
    rules=(
        (f"{_BLOCK}/conv2/conv{{i}}/conv", f"{_THEIRS}.convs.{{i-1}}"),
        (f"{_BLOCK}/conv2/conv{{i}}/bn", f"{_THEIRS}.bns.{{i-1}}"),
        *TORCHVISION.rules,
    )
)

KERAS = KeyMap(
    rules=(
        ("conv1/{Part}", "conv1_{Part}"),
        ("conv{s}_{b}/conv{i}/{Part}", "conv{s}_block{b}_{i}_{Part}"),
        ("conv{s}_{b}/downsample/{Part}", "conv{s}_block{b}_0_{Part}"),
        ("fc", "predictions"),
    ),
    bgr="conv1/conv",
)

KEY_MAPS = {
    **{name: {"torchvision": TORCHVISION, "timm": TORCHVISION} for name in TABLE},
    **{
        name: {"torchvision": TORCHVISION, "timm": TORCHVISION, "transformers": TRANSFORMERS}
        for name in IN_TRANSFORMERS
    },
    **{name: {"timm": TORCHVISION} for name in TABLE if name.startswith("se")},
    **{
        name: {"timm": key_map}
        for table, key_map in ((D_TABLE, TIMM_D), (RESNEST_TABLE, RESNEST), (SK_TABLE, SK), (RES2NET_TABLE, RES2NET))
        for name in table
    },
    **{name: {"keras": KERAS} for name in KERAS_TABLE},
}
