"""What pictures are made of: a network with its weights, and images."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from zoo.counting.summarize import summarize
from zoo.data import Example, Source
from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.registry import model_info
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.named_layers import layer_shapes, spatial_shape
from zoo.weights import Weights

# Fewer pools that keep their switches than this leave the deconvnet nearly nothing of the image.
FEW_POOLS = 2
LAYERS = 5
# About so many images are looked at for one of each class.
SEARCHED = 500

# A progress bar round an iterable: track(iterable, total=..., description=...).
ProgressBar = Callable[..., Iterable]


def no_progress_bar(iterable: Iterable, **said: object) -> Iterable:
    """No progress bar."""
    return iterable


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with its weights; `about` names them for captions."""

    weights: Weights
    about: str

    @cached_property
    def model(self) -> Network:
        """The network."""
        return self.weights.network()

    @property
    def variables(self):
        """Its variables."""
        return self.weights.variables

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of its images."""
        return self.weights.preprocessing.image_shape

    @cached_property
    def shapes(self):
        """{layer: shape of its output} for one image."""
        return layer_shapes(self.model, self.variables, jax.ShapeDtypeStruct((1, *self.image_shape), np.float32))

    def normalized(self, images: np.ndarray) -> np.ndarray:
        """uint8 images of its size as it takes them."""
        return np.asarray(self.weights.preprocessing.normalized(images))

    def units(self, layer: str) -> int:
        """How many units a layer with maps has. Raises ZooError for any other."""
        return spatial_shape(self.model, self.shapes, layer)[-1]

    def class_name(self, index: int) -> str:
        """Its name, or "class 17" where nobody knows it."""
        names = self.weights.class_names
        return names[index] if index < len(names) else f"class {index}"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images to show; `about` names them for captions.

    `names` are those of single images, each of which gets a row; `class_names` those of the labels, if any; `dataset`
    that of the data set that they are from, if any.
    """

    source: Source
    about: str
    names: Sequence[str] = ()
    class_names: Sequence[str] = ()
    dataset: str = ""

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class EvenlySpaced:
    """At most `count` examples of a source, evenly chosen: folders have theirs class by class."""

    source: Source
    count: int

    def __len__(self) -> int:
        return min(self.count, len(self.source))

    def __getitem__(self, index: int) -> Example:
        return self.source[self.number(index)]

    def number(self, index: int) -> int:
        """Which of the source's examples that is."""
        return index * len(self.source) // len(self)


def index_in_data_set(source: Source, index: int) -> int:
    """Which example of a data set that is, where the source may be some of them, evenly chosen."""
    return source.number(index) if isinstance(source, EvenlySpaced) else index


def one_image_per_class(source: Source, about: str, class_names: Sequence[str], count: int) -> ImageSet:
    """An image of each class, at most `count`, of those that an even walk through the source meets first."""
    found: dict[int, tuple[int, Example]] = {}
    for index in range(0, len(source), max(1, len(source) // SEARCHED)):
        example = source[index]
        found.setdefault(example["label"], (index, example))
        if len(found) == count:
            break
    chosen = [found[label] for label in sorted(found)]
    names = tuple(
        f"image {index_in_data_set(source, index)}: {class_names[example['label']]}" for index, example in chosen
    )
    return ImageSet([example for _, example in chosen], about, names)


def default_layers(subject: TrainedNetwork) -> list[str]:
    """The network's stages that have maps, at most five, evenly chosen, the first and the last among them."""
    stages = [stage for stage in model_info(subject.weights.model).stages if len(subject.shapes.get(stage, ())) == 4]
    if not stages:
        raise ZooError(f"{subject.weights.model} names no layers of its own to show: name some with --layers")
    places = np.linspace(0, len(stages) - 1, min(LAYERS, len(stages)))
    return [stages[round(place)] for place in places]


def default_rule(subject: TrainedNetwork) -> tuple[Rule, str]:
    """The deconvnet's, but guided where it has no switches to go by; and why, for the caption."""
    rows = summarize(subject.model, (1, *subject.image_shape)).rows
    pools = sum(row.operation == "max_pool" and max(row.stride or (1,)) > 1 for row in rows)
    if pools >= FEW_POOLS:
        return "deconvnet", ""
    counted = "no max pool" if not pools else "only one max pool"
    return "guided", (
        f"The network has {counted} to give the deconvnet its switches, without which it shows next to nothing of an "
        "image: guided is taken instead."
    )
