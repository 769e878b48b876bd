"""SqueezeNet. Torch numbers the layers of `features` one by one, pools and activations included."""

from zoo.models.squeezenet import FIRES
from zoo.weights.key_map import KeyMap


def _torchvision(pool_after: tuple[str, ...]) -> KeyMap:
    rules, index = [("conv1/conv", "features.0"), ("conv10/conv", "classifier.1")], 3
    for name in FIRES:
        rules.append((f"{name}/squeeze1x1/conv", f"features.{index}.squeeze"))
        rules.append((f"{name}/{{Part}}/conv", f"features.{index}.{{Part}}"))
        index += 2 if name in pool_after else 1
    return KeyMap(tuple(rules))


KEY_MAPS = {
    "squeezenet1_0": {"torchvision": _torchvision(("fire4", "fire8"))},
    "squeezenet1_1": {"torchvision": _torchvision(("fire3", "fire5"))},
}
