"""The few images on which the report explains the network, and the network's outputs for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import flax.linen as nn
import jax
import numpy as np

from zoo.models.variables import Variables
from zoo.report.learned.activations_by_name import apply_with_activations
from zoo.runtime.jit_once import jit_once
from zoo.visualize.methods.named_layers import check_finite
from zoo.visualize.network_and_images import EvenlySpaced, ImageSet, TrainedNetwork, one_image_per_class

MAX_EXAMPLES = 6
# The largest side of an example image, in pixels.
IMAGE_SIZE = 192


@dataclass(frozen=True, eq=False)
class ExampleImages:
    """A few images, uint8 [n, height, width, channel] as the network gets them, with the network's outputs.

    `logits` are [n, classes]; `outputs` are [n, rows, columns, units] for each layer.
    """

    image_set: ImageSet
    images: np.ndarray
    logits: np.ndarray
    outputs: dict[str, np.ndarray]

    @property
    def names(self) -> Sequence[str]:
        """A name for each image."""
        return self.image_set.names

    @property
    def labels(self) -> list[int]:
        """The true class of each image, -1 for unknown."""
        return [int(self.image_set.source[index]["label"]) for index in range(len(self.images))]


def apply_to_examples(trained: TrainedNetwork, image_set: ImageSet, layers: Sequence[str]) -> ExampleImages:
    """Choose up to six images and apply the network to them. Raises ZooError if its output is not finite."""
    chosen = choose_images(image_set, MAX_EXAMPLES)
    fitted = trained.weights.preprocessing.fitted
    images = np.stack([fitted(chosen.source[index]["image"]) for index in range(len(chosen))])
    run = jit_once(partial(_logits_and_outputs, trained.model, tuple(layers)))
    logits, outputs = jax.device_get(run(trained.variables, trained.normalized(images)))
    check_finite(trained.model, "the output", logits)
    # A jitted function returns dictionaries sorted.
    return ExampleImages(chosen, images, logits, {layer: outputs[layer] for layer in layers})


def choose_images(image_set: ImageSet, count: int) -> ImageSet:
    """At most `count` images with names: one per class if there are classes, otherwise evenly spaced."""
    some = EvenlySpaced(image_set.source, count)
    if image_set.class_names and not image_set.names:
        return one_image_per_class(image_set.source, image_set.description, image_set.class_names, count)
    numbers = [some.source_index(index) for index in range(len(some))]
    names = [image_set.names[number] if image_set.names else f"image {number}" for number in numbers]
    return ImageSet(some, image_set.description, names)


def _logits_and_outputs(
    model: nn.Module, layers: tuple[str, ...], variables: Variables, images: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    made = apply_with_activations(model, variables, images, layers)
    return made.logits, dict(made.outputs)
