"""What a run is: its network, data and recipe, as stored in config.json."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from msgspec import Meta

from zoo.data import DataOrigin, Preprocessing
from zoo.errors import ZooError
from zoo.printable import printable_names
from zoo.runtime.record_types import ClassNames, Count, Name, Sha256
from zoo.training.config.recipe import Recipe

# The value of `pretrained` for the network's default weights.
DEFAULT_WEIGHTS = ""
MAX_EARLIER = 1000


@dataclass(frozen=True, kw_only=True)
class EarlierRecipe:
    """The recipe of a run until a step, after which it was resumed with other settings."""

    until_step: Count
    recipe: Recipe


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run is: enough to build its network, to resume it and to predict with it.

    `dataset` is the name of its data set, and `data` where that comes from and what was in it.
    `fields` are fields of the network besides the number of classes, such as the `epsilon` of pretrained weights.
    `pretrained` names the weights that the run started from ("" for the network's default ones), None for random ones;
    `pretrained_sha256` is the hash of those that it took. `earlier` are the recipes before the last change, in order.
    `model_source` is the module:attribute of a network of the user, where that is not its name.
    """

    model: Name
    dataset: Name
    recipe: Recipe
    preprocessing: Preprocessing
    class_names: ClassNames
    fields: dict[str, Any] = field(default_factory=dict)
    pretrained: Annotated[str, Meta(max_length=4096)] | None = None
    pretrained_sha256: Sha256 = ""
    data: DataOrigin = field(default_factory=DataOrigin)
    earlier: Annotated[tuple[EarlierRecipe, ...], Meta(max_length=MAX_EARLIER)] = ()
    model_source: Name = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", printable_names(self.class_names))
        for split in (self.data.training, self.data.test):
            if split and split.per_class and len(split.per_class) != len(self.class_names):
                raise ZooError(f"data has {len(split.per_class)} numbers of images for {len(self.class_names)} classes")

    @property
    def eval_preprocessing(self) -> Preprocessing:
        """That of images that are not trained on, which may have another size and be cropped more closely."""
        height, width, channels = self.preprocessing.image_shape
        size = self.recipe.eval_size
        crop = self.recipe.eval_crop if self.recipe.eval_crop < 1 else self.preprocessing.crop
        return replace(self.preprocessing, image_shape=(size or height, size or width, channels), crop=crop)

    def network_fields(self) -> dict[str, Any]:
        """The fields with which the network is made, with one output per class."""
        aux_heads = {"aux_heads": True} if self.recipe.aux_heads else {}
        return {**self.fields, **self.recipe.network_fields, **aux_heads, "num_classes": len(self.class_names)}
