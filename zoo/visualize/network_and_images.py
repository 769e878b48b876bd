"""The inputs of figures: a network with its weights, and a set of images."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from zoo.counting.summarize import summarize
from zoo.data import Example, Source
from zoo.data.unreadable import CheckedSource, ReadableSource
from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.models.variables import Variables
from zoo.registry import model_info
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.named_layers import Shapes, layer_shapes, spatial_shape
from zoo.weights import Weights

# With fewer max pools, and so fewer switches, the deconvnet shows almost nothing of the image.
MIN_POOLS_FOR_DECONVNET = 2
MAX_DEFAULT_LAYERS = 5
# This many images or more are searched for the strongest activations; of fewer, each is shown.
MIN_IMAGES_TO_SEARCH = 9
# About this many images are searched for one of each class.
SEARCHED_IMAGES = 500

# Wraps an iterable with a progress bar: progress_bar(iterable, total=..., description=...).
ProgressBar = Callable[..., Iterable]


def no_progress_bar(iterable: Iterable, **options: object) -> Iterable:
    """The iterable itself, for use as a `ProgressBar`."""
    return iterable


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with its weights; `description` names both in captions."""

    weights: Weights
    description: str

    @cached_property
    def model(self) -> Network:
        """The network as a Linen module."""
        return self.weights.network()

    @property
    def variables(self) -> Variables:
        """The network's variables."""
        return self.weights.variables

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images that the network takes."""
        return self.weights.preprocessing.image_shape

    @cached_property
    def shapes(self) -> Shapes:
        """{layer: shape of its output} for one image."""
        return layer_shapes(self.model, self.variables, jax.ShapeDtypeStruct((1, *self.image_shape), np.float32))

    def normalized(self, images: np.ndarray) -> np.ndarray:
        """uint8 images [batch, height, width, channel] of the network's size, normalised to float32."""
        return np.asarray(self.weights.preprocessing.normalized(jnp.asarray(images)))

    def units(self, layer: str) -> int:
        """The number of units of a layer with feature maps. Raises ZooError for any other layer."""
        return spatial_shape(self.model, self.shapes, layer)[-1]

    def class_name(self, index: int) -> str:
        """The name of a class, or "class 17" if the weights name no classes."""
        names = self.weights.class_names
        return names[index] if index < len(names) else f"class {index}"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images to show; `description` names them in captions.

    `names` are the names of the single images, each of which gets a row; () for a data set. `class_names` are those of
    the labels, and `dataset` is the data set's name, where known.
    """

    source: Source
    description: str
    names: Sequence[str] = ()
    class_names: Sequence[str] = ()
    dataset: str = ""

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class EvenlySpaced:
    """A source with at most `count` examples of another, at equal distances: folders list theirs class by class."""

    source: Source
    count: int

    def __len__(self) -> int:
        return min(self.count, len(self.source))

    def __getitem__(self, index: int) -> Example:
        return self.source[self.source_index(index)]

    def source_index(self, index: int) -> int:
        """The index of that example in the whole source."""
        return index * len(self.source) // len(self)


def index_in_data_set(source: Source, index: int) -> int:
    """The index of an example in its whole data set, also if `source` is a part of it."""
    if isinstance(source, EvenlySpaced | CheckedSource | ReadableSource):
        return index_in_data_set(source.source, source.source_index(index))
    return index


def one_image_per_class(source: Source, description: str, class_names: Sequence[str], count: int) -> ImageSet:
    """The first image of each of at most `count` classes, in about 500 evenly spaced images of the source."""
    found: dict[int, tuple[int, Example]] = {}
    for index in range(0, len(source), max(1, len(source) // SEARCHED_IMAGES)):
        example = source[index]
        found.setdefault(example["label"], (index, example))
        if len(found) == count:
            break
    chosen = [found[label] for label in sorted(found)]
    names = tuple(
        f"image {index_in_data_set(source, index)}: {class_names[example['label']]}" for index, example in chosen
    )
    return ImageSet([example for _, example in chosen], description, names)


def default_layers(network: TrainedNetwork) -> list[str]:
    """The network's stages: at most five, evenly spaced, with the first and the last.

    Raises ZooError for a network without stages.
    """
    stages = stages_with_maps(network)
    if not stages:
        raise ZooError(f"{network.weights.model} has no default layers: name some with --layers")
    indices = np.linspace(0, len(stages) - 1, min(MAX_DEFAULT_LAYERS, len(stages)))
    return [stages[round(index)] for index in indices]


def stages_with_maps(network: TrainedNetwork) -> list[str]:
    """The stages that have feature maps: those of the registry, or the last layers with parameters at each resolution.

    Of a block and its last layer, which finish with the same resolution, it is the block.
    """
    with_maps = {name: shape for name, shape in network.shapes.items() if name and len(shape) == 4}
    if stages := model_info(network.weights.model).stages:
        return [stage for stage in stages if stage in with_maps]
    paths = [path for path, _ in jax.tree.leaves_with_path(network.variables["params"])]
    modules = {"/".join(part.key for part in path[:end]) for path in paths for end in range(1, len(path))}
    last = {shape[1:3]: name for name, shape in with_maps.items() if name in modules}
    return sorted(last.values(), key=list(with_maps).index)


def default_rule(network: TrainedNetwork) -> tuple[Rule, str]:
    """("deconvnet", ""), or for a network with fewer than two max pools ("guided", the reason, for captions).

    For a network of the user without a field `act` it is ("gradient", the reason).
    """
    if not hasattr(network.model, "act"):
        return "gradient", (
            'The network has no field "act", the activations at which the deconvnet and guided backpropagation change '
            "the backward signal. So the rule is gradient."
        )
    rows = summarize(network.model, (1, *network.image_shape)).rows
    pools = sum(row.operation == "max_pool" and max(row.stride or (1,)) > 1 for row in rows)
    if pools >= MIN_POOLS_FOR_DECONVNET:
        return "deconvnet", ""
    number = "no max pool" if not pools else "only one max pool"
    return "guided", (
        f"The network has {number}. The deconvnet needs the switches of max pools to show anything of an image, so the "
        "rule is guided instead."
    )
