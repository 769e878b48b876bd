"""GoogLeNet."""

from zoo.weights.key_map import KeyMap

TORCHVISION = KeyMap(
    rules=(
        ("conv1/7x7_s2/{Part}", "conv1.{Part}"),
        ("conv2/3x3_reduce/{Part}", "conv2.{Part}"),
        ("conv2/3x3/{Part}", "conv3.{Part}"),
        ("inception_{Block}/1x1/{Part}", "inception{Block}.branch1.{Part}"),
        ("inception_{Block}/3x3_reduce/{Part}", "inception{Block}.branch2.0.{Part}"),
        ("inception_{Block}/3x3/{Part}", "inception{Block}.branch2.1.{Part}"),
        ("inception_{Block}/5x5_reduce/{Part}", "inception{Block}.branch3.0.{Part}"),
        ("inception_{Block}/5x5/{Part}", "inception{Block}.branch3.1.{Part}"),
        ("inception_{Block}/pool_proj/{Part}", "inception{Block}.branch4.1.{Part}"),
        ("loss{i}/conv/{Part}", "aux{i}.conv.{Part}"),
        ("loss{i}/fc", "aux{i}.fc1"),
        ("loss3/classifier", "fc"),
        ("loss{i}/classifier", "aux{i}.fc2"),
    ),
    flattened={"loss1/fc": (128, 4, 4), "loss2/fc": (128, 4, 4)},
)

KEY_MAPS = {"googlenet_tv": {"torchvision": TORCHVISION}}
