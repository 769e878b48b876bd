"""Classify images.

zoo predict cat.jpg --model efficientnet_lite0
zoo predict photos/ --weights flowers.safetensors --json
curl -s https://example.org/cat.jpg | zoo predict - --checkpoint checkpoints/googlenet-pets

--json prints a line per image: {"path": ..., "predictions": [{"class": ..., "index": ..., "probability": ...}, ...]}.
A line on standard error says which weights were used: their source, SHA-256 and licence, as far as they are known. An
image that is missing or cannot be read gives a line there too; the others are classified, and the exit status is 2.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.commands.arguments.images import image_paths, load_image
from zoo.commands.arguments.types import InRange
from zoo.commands.arguments.weights import (
    add_inference_arguments,
    add_weights_arguments,
    inference_weights,
    print_source,
)
from zoo.printable import printable
from zoo.runtime.console import print_note
from zoo.runtime.limits import BATCH_SIZE, TOP

if TYPE_CHECKING:
    import numpy as np

    from zoo.inference.prediction import Prediction

HELP = "classify images"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `predict`."""
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files, folders of them, or - for one from standard input"
    )
    parser.add_argument("--top", type=InRange(TOP), default=5, metavar="N", help="classes per image (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object per image, each on its line")
    parser.add_argument(
        "--batch-size", type=InRange(BATCH_SIZE), default=32, metavar="N", help="images per batch (default: 32)"
    )
    add_weights_arguments(parser)
    add_inference_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the most probable classes of each image. The exit status is 2 where an image could not be read."""
    from itertools import tee

    import jax.numpy as jnp

    from zoo.inference.prediction import predict
    from zoo.models.memory_forecast import check_inference_memory
    from zoo.training import enable_compilation_cache

    # Before the weights, which may have to be downloaded.
    found = [_paths_or_none(argument) for argument in args.images]
    paths = [path for part in found for path in part or ()]
    if not paths:
        return 2
    weights = inference_weights(args)
    batch_size = min(args.batch_size, len(paths))
    # Before so many images are read.
    network = weights.network(dtype=jnp.dtype(args.dtype))
    check_inference_memory(network, weights.preprocessing.image_shape, batch_size)
    enable_compilation_cache()
    # One iterator for the paths and one for the pixels, so that only a batch of images is in memory.
    with_paths, with_pixels = tee(_readable_images(paths))
    images = (image for _, image in with_pixels)
    predictions = predict(weights, images, batch_size=batch_size, top=args.top, dtype=args.dtype)
    count = 0
    for count, ((path, _), classes) in enumerate(zip(with_paths, predictions, strict=True), start=1):
        if count == 1:
            print_source(weights)
        print(_as_json(path, classes) if args.json else _as_text(path, classes, first=count == 1))
    return 0 if None not in found and count == len(paths) else 2


def _paths_or_none(argument: str) -> list[str] | None:
    """The images that the argument names; None, with a line on standard error, if there are none."""
    from zoo.errors import ZooError

    try:
        return image_paths(argument, note_left_out=True)
    except ZooError as error:
        print_note(str(error))
        return None


def _readable_images(paths: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Paths and pixels of the images that can be decoded; the others give a line on standard error."""
    from zoo.errors import ZooError

    for path in paths:
        try:
            image = load_image(path)
        except ZooError as error:
            print_note(str(error))
        else:
            yield path, image


def _as_json(path: str, classes: list[Prediction]) -> str:
    import json

    predictions = [{"class": one.class_name, "index": one.index, "probability": one.probability} for one in classes]
    return json.dumps({"path": printable(path), "predictions": predictions})


def _as_text(path: str, classes: list[Prediction], first: bool) -> str:
    from zoo.inference.predictions import prediction_text

    text = prediction_text(printable(path), classes)
    return text if first else f"\n{text}"
