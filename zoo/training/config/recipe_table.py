"""The recipe of each network on each kind of data."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from zoo.errors import ZooError, suggestion
from zoo.models.user_module.reference import is_reference
from zoo.registry import model_info
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipes.cifar import CIFAR
from zoo.training.config.recipes.imagenet import IMAGENET
from zoo.training.config.recipes.named import NAMED
from zoo.training.config.recipes.row import Row, Settings
from zoo.training.config.recipes.small_images import ANY_DATA, DIGITS, FASHION_MNIST

DataKind = Literal["digits", "Fashion-MNIST", "CIFAR", "ImageNet", "any data"]

# Names of data sets, as TFDS, the hub of Hugging Face and folders have them.
NAMES: tuple[tuple[str, DataKind], ...] = (
    ("digits", "digits"),
    ("fashion?mnist*", "Fashion-MNIST"),
    ("cifar10", "CIFAR"),
    ("cifar100", "CIFAR"),
    ("imagenet2012*", "ImageNet"),
    ("imagenet-1k*", "ImageNet"),
)
ROWS: dict[DataKind, tuple[Row, ...]] = {
    "digits": DIGITS,
    "Fashion-MNIST": FASHION_MNIST,
    "CIFAR": CIFAR,
    "ImageNet": IMAGENET,
    "any data": (),
}
# Data of another name has the recipes of ImageNet with as many classes, of images that are no smaller than this.
IMAGENET_CLASSES = 1000
SMALLEST_PHOTOGRAPH = 64

# For pretrained networks: few epochs, and a low learning rate for the backbone. Batch norm's warmup is of use here too:
# docs/finetuning.md has measurements.
FINE_TUNING: Settings = {"epochs": 10, "backbone_rate": 0.1}


@dataclass(frozen=True)
class SourcedRecipe:
    """A recipe, what it is for ("ImageNet", or its name), and where it is from."""

    recipe: Recipe
    title: str
    source: str


def named_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ZooError if there is none."""
    return sourced_named_recipe(name).recipe


def sourced_named_recipe(name: str) -> SourcedRecipe:
    """The recipe of that name, with its source. Raises ZooError if there is none."""
    if name not in NAMED:
        raise ZooError(f"there is no recipe {name!r}{suggestion(name, NAMED)}: it is one of {', '.join(NAMED)}")
    return SourcedRecipe(Recipe(**NAMED[name].settings), name, NAMED[name].source)


def recipe_for(model: str, dataset: str, *, classes: int = 0, side: int = 0, pretrained: bool = False) -> Recipe:
    """The recipe of a network on a data set, by their names; with `pretrained` the one for fine-tuning.

    Data of another name with 1,000 `classes` has the recipe of ImageNet, if its images have a `side` of 64 pixels or
    more. A network of the user's has the default, whatever its name begins with.
    """
    return sourced_recipe_for(model, data_kind(dataset, classes, side), pretrained=pretrained).recipe


def sourced_recipe_for(model: str, kind: DataKind, *, pretrained: bool = False) -> SourcedRecipe:
    """As `recipe_for`, with its source."""
    if pretrained:
        return SourcedRecipe(Recipe(**FINE_TUNING), "fine-tuning", "docs/finetuning.md")
    if is_reference(model) or model_info(model).source:
        return SourcedRecipe(Recipe(), "any data", "the general default")
    for title, rows in ((kind, ROWS[kind]), ("any data", ANY_DATA)):
        if row := _first(rows, model):
            return SourcedRecipe(Recipe(**row.settings), title, row.source)
    raise AssertionError("the last row is for every network")


def data_kind(name: str, classes: int = 0, side: int = 0) -> DataKind:
    """The kind of a data set, by its name, else by its number of classes and the height or width of its images."""
    for pattern, kind in NAMES:
        if fnmatchcase(name, pattern):
            return kind
    return "ImageNet" if classes == IMAGENET_CLASSES and side >= SMALLEST_PHOTOGRAPH else "any data"


def _first(rows: Iterable[Row], model: str) -> Row | None:
    return next((row for row in rows if row.is_for(model)), None)


def training_image_size(recipe: Recipe, native: int, input_size: int, smallest: int) -> int:
    """The height and width in pixels of the images that the network is trained on.

    This is the recipe's image size if it names one. Otherwise it is the network's own `input_size`, or for data whose
    images are smaller (`native` pixels) the next multiple of 32 that is at least `smallest`, the network's minimum.
    """
    if recipe.image_size:
        return recipe.image_size
    return min(input_size, -(-max(native, smallest) // 32) * 32)
