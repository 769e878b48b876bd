"""Inception v3. timm has torchvision's names."""

from zoo.weights.rules import Names

TORCHVISION = Names(
    rules=(
        ("conv2d_{Place}/{Part}", "Conv2d_{Place}.{Part}"),
        ("mixed_{Place}/pool_proj/{Part}", "Mixed_{Place}.branch_pool.{Part}"),
        ("mixed_{Place}/{Layer}/{Part}", "Mixed_{Place}.branch{Layer}.{Part}"),
        ("aux/conv{i}/{Part}", "AuxLogits.conv{i}.{Part}"),
        ("aux/fc", "AuxLogits.fc"),
        ("fc", "fc"),
    )
)

NAMES = {"inception_v3": {"torchvision": TORCHVISION, "timm": TORCHVISION}}
