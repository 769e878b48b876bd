"""The recipe of each network on each data set, in one table."""

from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import ZooError, suggestion
from zoo.models.user_module.reference import is_reference
from zoo.registry import model_info
from zoo.training.config.recipe import Recipe

# Reached 0.9422 on Fashion-MNIST with googlenet_bn (docs/results.md).
FASHION: dict[str, Any] = {
    "epochs": 16,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "ema": 0.998,
    "flip": True,
    "shift": 2,
    "image_size": 56,
}
# Half the epochs, to train ten networks on a CPU in an afternoon.
FASHION_SHORT: dict[str, Any] = {**FASHION, "epochs": 8}
# Without batch norm: a lower learning rate.
FASHION_PLAIN: dict[str, Any] = {**FASHION_SHORT, "learning_rate": 1e-3, "clip_norm": 1.0}
# 57 to 130 million parameters: an update costs more than the images of a batch, so batches are larger.
FASHION_LARGE: dict[str, Any] = {**FASHION_PLAIN, "batch_size": 256, "learning_rate": 5e-4}

# Model pattern, data set pattern, differences from Recipe's defaults. The first matching row is used.
# Networks without batch norm need a lower learning rate; LeNet pads digits to 32 pixels, as in its paper.
RECIPES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("lenet5", "digits", {"epochs": 30, "fit": "resize", "learning_rate": 2e-3}),
    ("lenet5_1998", "digits", {"epochs": 30, "fit": "resize", "learning_rate": 2e-3}),
    ("lenet5*", "*", {"epochs": 10, "fit": "pad", "batch_size": 128, "learning_rate": 2e-3}),
    ("googlenet", "digits", {"epochs": 16, "aux_heads": True, "learning_rate": 1e-3, "clip_norm": 1.0}),
    ("googlenet*", "digits", {"epochs": 16, "aux_heads": True}),
    ("googlenet_bn", "fashion?mnist*", FASHION),
    ("googlenet", "fashion?mnist*", {**FASHION_PLAIN, "aux_heads": True}),
    ("squeezenet*", "fashion?mnist*", FASHION_PLAIN),
    ("nin*", "fashion?mnist*", {**FASHION_PLAIN, "epochs": 5, "image_size": 28, "learning_rate": 5e-4}),
    ("alexnet", "fashion?mnist*", {**FASHION_LARGE, "image_size": 64}),
    ("zfnet", "fashion?mnist*", {**FASHION_LARGE, "epochs": 5, "image_size": 48}),
    ("vgg*_bn", "fashion?mnist*", {**FASHION_LARGE, "epochs": 3, "image_size": 32}),
    ("densenet*", "fashion?mnist*", {**FASHION_SHORT, "image_size": 40}),
    ("resnet*", "fashion?mnist*", FASHION_SHORT),
    ("mobilenet*", "fashion?mnist*", FASHION_SHORT),
    ("googlenet*", "*", {"epochs": 10, "aux_heads": True, "batch_size": 128, "clip_norm": 1.0}),
    ("inception_v3", "*", {"aux_heads": True}),
    ("*_bn", "*", {}),
    ("alexnet*", "*", {"learning_rate": 2e-4}),
    ("zfnet", "*", {"learning_rate": 2e-4}),
    ("vgg*", "*", {"learning_rate": 1e-4, "clip_norm": 1.0}),
    ("nin*", "*", {"learning_rate": 3e-4, "clip_norm": 1.0}),
)


# For pretrained networks: few epochs, and a low learning rate for the backbone. Batch norm's warmup is of use here too:
# docs/finetuning.md has measurements.
FINE_TUNING: dict[str, Any] = {"epochs": 10, "backbone_rate": 0.1}


# The choices of --recipe.
NAMED_RECIPES: dict[str, Recipe] = {
    # The fastest found so far to 94 % on Fashion-MNIST, with googlenet_bn.
    "speedrun": Recipe(**FASHION),
}


def named_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ZooError if there is none."""
    if name not in NAMED_RECIPES:
        known = ", ".join(NAMED_RECIPES)
        raise ZooError(f"there is no recipe {name!r}{suggestion(name, NAMED_RECIPES)}: it is one of {known}")
    return NAMED_RECIPES[name]


def recipe_for(model: str, dataset: str, *, pretrained: bool = False) -> Recipe:
    """The recipe of a network on a data set, by their names; with `pretrained` the one for fine-tuning.

    A network of the user's has the default, whatever its name begins with.
    """
    if pretrained:
        return Recipe(**FINE_TUNING)
    if is_reference(model) or model_info(model).source:
        return Recipe()
    for model_pattern, dataset_pattern, changes in RECIPES:
        if fnmatchcase(model, model_pattern) and fnmatchcase(dataset, dataset_pattern):
            return Recipe(**changes)
    return Recipe()


def training_image_size(recipe: Recipe, native: int, input_size: int, smallest: int) -> int:
    """The height and width in pixels of the images that the network is trained on.

    This is the recipe's image size if it names one. Otherwise it is the network's own `input_size`, or for data whose
    images are smaller (`native` pixels) the next multiple of 32 that is at least `smallest`, the network's minimum.
    """
    if recipe.image_size:
        return recipe.image_size
    return min(input_size, -(-max(native, smallest) // 32) * 32)
