"""VGG. Torch numbers the layers of `features` one by one, pools and activations included. Keras has no batch norm."""

from collections.abc import Iterator

from zoo.models.vgg import TABLE
from zoo.weights.key_map import KeyMap
from zoo.weights.original_names import KERAS_TOO

MAPS = {"fc6": (512, 7, 7)}
TORCHVISION_DENSE = (("fc6", "classifier.0"), ("fc7", "classifier.3"), ("fc8", "classifier.6"))
TIMM_DENSE = (("fc6", "pre_logits.fc1"), ("fc7", "pre_logits.fc2"), ("fc8", "head.fc"))
KERAS = KeyMap(
    rules=(
        ("conv{s}_{i}/conv", "block{s}_conv{i}"),
        ("fc6", "fc1"),
        ("fc7", "fc2"),
        ("fc8", "predictions"),
    ),
    bgr="conv1_1/conv",
)


def _features(depths: tuple[int, ...], with_norm: bool) -> Iterator[tuple[str, str]]:
    index = 0
    for stage, depth in enumerate(depths, start=1):
        for i in range(1, depth + 1):
            yield f"conv{stage}_{i}/conv", f"features.{index}"
            if with_norm:
                yield f"conv{stage}_{i}/bn", f"features.{index + 1}"
            index += 3 if with_norm else 2
        index += 1


def _key_maps(name: str, with_norm: bool) -> dict[str, KeyMap]:
    features = tuple(_features(TABLE[name][0], with_norm))
    return {
        "torchvision": KeyMap((*features, *TORCHVISION_DENSE), flattened=MAPS),
        "timm": KeyMap((*features, *TIMM_DENSE), flattened=MAPS, convolved=("fc6", "fc7")),
    }


KEY_MAPS = {
    f"{name}_bn" if with_norm else name: _key_maps(name, with_norm) for name in TABLE for with_norm in (False, True)
}
for _name in KEY_MAPS.keys() & KERAS_TOO.keys():
    KEY_MAPS[_name]["keras"] = KERAS
