"""AlexNet."""

from zoo.weights.key_map import KeyMap

TORCHVISION = KeyMap(
    rules=(
        ("conv1/conv", "features.0"),
        ("conv2/conv", "features.3"),
        ("conv3/conv", "features.6"),
        ("conv4/conv", "features.8"),
        ("conv5/conv", "features.10"),
        ("fc6", "classifier.1"),
        ("fc7", "classifier.4"),
        ("fc8", "classifier.6"),
    ),
    flattened={"fc6": (256, 6, 6)},
)

KEY_MAPS = {"alexnet": {"torchvision": TORCHVISION}}
