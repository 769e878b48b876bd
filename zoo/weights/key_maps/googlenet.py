"""GoogLeNet."""

from zoo.weights.key_map import Names

TORCHVISION = Names(
    rules=(
        ("conv1/7x7_s2/{Part}", "conv1.{Part}"),
        ("conv2/3x3_reduce/{Part}", "conv2.{Part}"),
        ("conv2/3x3/{Part}", "conv3.{Part}"),
        ("inception_{Place}/1x1/{Part}", "inception{Place}.branch1.{Part}"),
        ("inception_{Place}/3x3_reduce/{Part}", "inception{Place}.branch2.0.{Part}"),
        ("inception_{Place}/3x3/{Part}", "inception{Place}.branch2.1.{Part}"),
        ("inception_{Place}/5x5_reduce/{Part}", "inception{Place}.branch3.0.{Part}"),
        ("inception_{Place}/5x5/{Part}", "inception{Place}.branch3.1.{Part}"),
        ("inception_{Place}/pool_proj/{Part}", "inception{Place}.branch4.1.{Part}"),
        ("loss{i}/conv/{Part}", "aux{i}.conv.{Part}"),
        ("loss{i}/fc", "aux{i}.fc1"),
        ("loss3/classifier", "fc"),
        ("loss{i}/classifier", "aux{i}.fc2"),
    ),
    flattened={"loss1/fc": (128, 4, 4), "loss2/fc": (128, 4, 4)},
)

NAMES = {"googlenet_tv": {"torchvision": TORCHVISION}}
