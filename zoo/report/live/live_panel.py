"""The panel of the report in which a small network computes while one draws on its images."""

import base64
from typing import Any

import numpy as np

from zoo.report.layers.counted_network import CountedNetwork
from zoo.report.learned.example_images import choose_images
from zoo.report.live.live_network import MAX_SIZE, live_network
from zoo.visualize.colour_tables import NON_NEGATIVE, SIGNED, colour_table
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork

MAX_EXAMPLES = 10


def live_panel(trained: TrainedNetwork, counted: CountedNetwork, image_set: ImageSet | None) -> dict[str, Any] | None:
    """The data of `startLive` for a small network of square images; None for any other network."""
    height, width, _ = trained.image_shape
    if height != width or height > MAX_SIZE or not trained.model.num_classes:
        return None
    network = live_network(counted, trained.variables)
    if network is None:
        return None
    preprocessing = trained.weights.preprocessing
    weights = network.pop("weights")
    return {
        "network": network,
        "weights": [weights],
        "classes": [trained.class_name(index) for index in range(trained.model.num_classes)],
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "fit": "canvas",
        "examples": [] if image_set is None else _examples(trained, image_set),
    }


def live_colours() -> dict[str, str]:
    """The colours of maps for `live/maps.js`: tables of 256 colours as base64, for signed and for other values."""
    names = {"signed": SIGNED, "non_negative": NON_NEGATIVE}
    return {key: base64.b64encode(colour_table(name).tobytes()).decode() for key, name in names.items()}


def _examples(trained: TrainedNetwork, image_set: ImageSet) -> list[dict[str, Any]]:
    """Images as the network gets them: one of each class where there are classes."""
    chosen = choose_images(image_set, MAX_EXAMPLES)
    fitted = trained.weights.preprocessing.fitted
    return [_example(chosen.names[index], fitted(chosen.source[index]["image"])) for index in range(len(chosen))]


def _example(label: str, image: np.ndarray) -> dict[str, Any]:
    return {"label": label, "pixels": base64.b64encode(image.tobytes()).decode(), "size": image.shape[0]}
