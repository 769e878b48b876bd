"""The two trained LeNet-5 of the page, and images to choose, as data for `live/live.js`."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.preprocessing import Preprocessing
from zoo.data.sources.digits import load_digits
from zoo.models.variables import Variables
from zoo.registry import create_model
from zoo.report.layers.counted_network import CountedNetwork, count_network
from zoo.report.live.live_network import live_network, weights_in_base64

FILE = Path(__file__).with_name("networks.npz")
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SIZE = 32


def live_data() -> dict[str, Any]:
    """{"digits": ..., "clothes": ...}, as `startLive` takes it."""
    with np.load(FILE) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return {"digits": _digits_network(arrays), "clothes": _clothes_network(arrays)}


def small_digit() -> list[list[int]]:
    """8 rows of 8 pixels from 0 to 16: the first 3 of the digits."""
    images, labels = load_digits()
    pixels = images[np.flatnonzero(labels == 3)[0]]
    return np.round(pixels * (16 / 255)).astype(int).tolist()


def variables_of(arrays: dict[str, np.ndarray], prefix: str, step: int = -1) -> Variables:
    """The variables of "digits" or "clothes" after a step of the run; arrays are named "digits/c1/conv/kernel"."""
    params: dict[str, Any] = {}
    for name, array in arrays.items():
        start, *path = name.split("/")
        if start != prefix or not path:
            continue
        branch = params
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
        branch[path[-1]] = array[step].astype(np.float32)
    return {"params": params}


def counted_lenet5() -> CountedNetwork:
    """LeNet-5 with its counts."""
    return count_network("LeNet-5", create_model("lenet5"), (SIZE, SIZE, 1))


def _digits_network(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    epochs = arrays["digits_epochs"]
    accuracies = arrays["digits_accuracies"]
    steps = [
        f"after {epoch} {'epoch' if epoch == 1 else 'epochs'}: {accuracy:.1%} of the test images right"
        for epoch, accuracy in zip(epochs.tolist(), accuracies.tolist(), strict=True)
    ]
    images, labels = load_digits()
    chosen = [np.flatnonzero(labels == digit)[-1] for digit in range(10)]
    return {
        **_network(arrays, "digits", len(epochs)),
        "classes": [str(digit) for digit in range(10)],
        "fit": "digit",
        "resize": resize_matrix(8, SIZE).round(6).tolist(),
        "steps": ["before training: chance" if step.startswith("after 0 ") else step for step in steps],
        "examples": [_example(str(labels[index]), images[index]) for index in chosen],
    }


def _clothes_network(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        **_network(arrays, "clothes", 1),
        "classes": list(CLOTHES),
        "fit": "pad",
        "examples": [_example(CLOTHES[label], image) for label, image in enumerate(arrays["clothes_images"])],
    }


def _network(arrays: dict[str, np.ndarray], prefix: str, steps: int) -> dict[str, Any]:
    network = live_network(counted_lenet5(), variables_of(arrays, prefix))
    assert network is not None  # LeNet-5 has no other operations, and is small
    weights = [weights_in_base64(network, variables_of(arrays, prefix, step)) for step in range(steps)]
    mean, std = (float(value) for value in arrays[f"{prefix}_mean_std"])
    kept = {name: value for name, value in network.items() if name != "weights"}
    return {"network": kept, "weights": weights, "mean": [mean], "std": [std]}


def resize_matrix(size: int, target: int) -> np.ndarray:
    """[target, size]: bilinear, as the training images of another size are scaled."""
    positions = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    return np.clip(1 - np.abs(positions[:, None] - np.arange(size)), 0, None)


def digits_preprocessing() -> Preprocessing:
    """How an image of 8x8 pixels becomes the input of the digits network."""
    with np.load(FILE) as stored:
        mean, std = (float(value) for value in stored["digits_mean_std"])
    return Preprocessing(image_shape=(SIZE, SIZE, 1), mean=(mean,), std=(std,))


def _example(label: str, image: np.ndarray) -> dict[str, Any]:
    pixels = base64.b64encode(image.astype(np.uint8).tobytes()).decode()
    return {"label": label, "pixels": pixels, "size": image.shape[0]}
