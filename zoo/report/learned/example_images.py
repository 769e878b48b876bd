"""A few images to explain the network with: what it says of them, and what its stages make of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np

from zoo.inference.prediction import class_names
from zoo.models.variables import jit_once
from zoo.report.html.raster import Raster, heat, raster
from zoo.report.learned.activity import followed
from zoo.visualize.methods.named_layers import check_finite
from zoo.visualize.methods.unit_choice import most_active_units
from zoo.visualize.network_and_images import EvenlySpaced, ImageSet, TrainedNetwork, one_image_per_class

SAMPLES, TOP, MAPS = 6, 5, 12
# Pixels a side that an image and a map have at most.
IMAGE, MAP = 192, 112


@dataclass(frozen=True, eq=False)
class Samples:
    """A few pictures by name, as the network sees them: uint8 [n, height, width, channel].

    `logits` [n, classes]; `outputs` are those of the layers, [n, rows, columns, units] each.
    """

    pictures: ImageSet
    images: np.ndarray
    logits: np.ndarray
    outputs: dict[str, np.ndarray]

    @property
    def names(self) -> Sequence[str]:
        """What each is called."""
        return self.pictures.names


@dataclass(frozen=True)
class Bar:
    """One class, how probable it is, 0 to 1, and whether it is the true one."""

    class_name: str
    probability: float
    true: bool


@dataclass(frozen=True)
class Said:
    """An image, and the most probable classes, the first the most probable; `truth` is "" where nobody knows."""

    name: str
    raster: Raster
    truth: str
    bars: tuple[Bar, ...]

    @property
    def right(self) -> bool:
        """Whether the most probable is the true one."""
        return self.bars[0].true


@dataclass(frozen=True)
class Map:
    """The map of one unit."""

    unit: int
    raster: Raster


@dataclass(frozen=True)
class Stage:
    """A layer's most strongly activated units for an image; `signed` where it has values below zero too.

    A layer with a single place has no maps, but all its units in one `strip`, a column each.
    """

    layer: str
    shape: tuple[int, int, int]
    high: float
    signed: bool
    maps: tuple[Map, ...]
    strip: Raster | None = None


@dataclass(frozen=True)
class Passage:
    """An image's way through the network."""

    name: str
    raster: Raster
    stages: tuple[Stage, ...]


def samples(subject: TrainedNetwork, pictures: ImageSet, layers: Sequence[str]) -> Samples:
    """The photographs, or one image each of some classes, through the network."""
    chosen = _chosen(pictures)
    fitted = subject.weights.preprocessing.fitted
    images = np.stack([fitted(chosen.source[index]["image"]) for index in range(len(chosen))])
    run = jit_once(partial(_seen, subject.model, tuple(layers)))
    logits, outputs = jax.device_get(run(subject.variables, subject.normalized(images)))
    check_finite(subject.model, "the output", logits)
    # Jitted functions give dictionaries sorted.
    return Samples(chosen, images, logits, {layer: outputs[layer] for layer in layers})


def _chosen(pictures: ImageSet) -> ImageSet:
    some = EvenlySpaced(pictures.source, SAMPLES)
    if pictures.names:
        return ImageSet(some, pictures.description, [pictures.names[some.source_index(i)] for i in range(len(some))])
    if pictures.class_names:
        return one_image_per_class(pictures.source, pictures.description, pictures.class_names, SAMPLES)
    return ImageSet(some, pictures.description, [f"image {some.source_index(i)}" for i in range(len(some))])


def _seen(model, layers: tuple[str, ...], variables, images: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
    made = followed(model, variables, images, layers)
    return made.logits, dict(made.outputs)


def answers(subject: TrainedNetwork, seen: Samples, truths: Sequence[str] | None) -> tuple[Said, ...]:
    """What the network says of each image; nothing where it has no classifier.

    `truths` name the classes of the images' labels, None where those are not the network's.
    """
    if not subject.model.num_classes:
        return ()
    names = class_names(subject.weights)
    probabilities = np.asarray(jax.nn.softmax(seen.logits))
    labels = [int(seen.pictures.source[index]["label"]) for index in range(len(seen.images))]
    return tuple(
        Said(
            name,
            raster(image, f"{name}, as the network sees it", most=IMAGE),
            truths[label] if truths and label >= 0 else "",
            _bars(truths or names, shares, label if truths else -1),
        )
        for name, image, label, shares in zip(seen.names, seen.images, labels, probabilities, strict=True)
    )


def _bars(names: Sequence[str], shares: np.ndarray, label: int) -> tuple[Bar, ...]:
    best = np.argsort(-shares, kind="stable")[:TOP].tolist()
    return tuple(Bar(names[index], float(shares[index]), index == label) for index in best)


def passage(seen: Samples) -> Passage:
    """What each layer makes of the first image, all of a layer's maps on one scale."""
    name = seen.names[0]
    made = tuple(_stage(layer, output[0].astype(np.float32)) for layer, output in seen.outputs.items())
    return Passage(name, raster(seen.images[0], f"{name}, as the network sees it", most=IMAGE), made)


def _stage(layer: str, maps: np.ndarray) -> Stage:
    if maps.shape[:2] == (1, 1):
        high, signed = float(maps.max()), bool(maps.min() < 0)
        strip = heat(maps[0], f"All {maps.shape[2]} units of {layer}, a column each", high=high)
        return Stage(layer, maps.shape, high, signed, (), strip)
    units = most_active_units(maps.max(axis=(0, 1))[:, None], MAPS).tolist()
    high = float(maps[..., units].max())
    made = tuple(
        Map(unit, heat(maps[..., unit], f"Feature map of unit {unit} of {layer}", high=high, most=MAP))
        for unit in units
    )
    return Stage(layer, maps.shape, high, bool(maps.min() < 0), made)
