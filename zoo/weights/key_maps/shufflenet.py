"""ShuffleNet V2. Torch numbers the layers of a branch one by one, activations included."""

from zoo.models.shufflenet import TABLE
from zoo.weights.key_map import KeyMap

# Index of the convolution in its branch; its norm is the next.
LAYER_INDICES = {
    "branch1/depthwise": 0,
    "branch1/pointwise": 2,
    "branch2/pointwise1": 0,
    "branch2/depthwise": 3,
    "branch2/pointwise2": 5,
}

TORCHVISION = KeyMap(
    (
        ("conv{i}/conv", "conv{i}.0"),
        ("conv{i}/bn", "conv{i}.1"),
        *(
            (f"stage{{s}}_{{i}}/{layer}/{part}", f"stage{{s}}.{{i-1}}.{layer.split('/')[0]}.{index + offset}")
            for layer, index in LAYER_INDICES.items()
            for offset, part in enumerate(("conv", "bn"))
        ),
        ("fc", "fc"),
    )
)

KEY_MAPS = {name: {"torchvision": TORCHVISION} for name in TABLE}
