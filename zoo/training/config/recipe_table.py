"""Recipes: how each network is trained on each kind of data, in one table."""

from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import ZooError
from zoo.training.config.recipe import Recipe

# Ended at 0.9422 on Fashion-MNIST with googlenet_bn (docs/results.md).
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
# The same for an afternoon on a CPU that trains ten networks: half the epochs.
FASHION_SHORT: dict[str, Any] = {**FASHION, "epochs": 8}
# Without batch norm: a gentler rate.
FASHION_PLAIN: dict[str, Any] = {**FASHION_SHORT, "learning_rate": 1e-3, "clip_norm": 1.0}
# 57 to 130 million parameters, whose updates cost more than the images.
FASHION_LARGE: dict[str, Any] = {**FASHION_PLAIN, "batch_size": 256, "learning_rate": 5e-4}

# Model pattern, data set pattern, what differs from Recipe's defaults. The first row that matches counts.
# Networks without batch norm want a gentler rate; LeNet pads digits to 32 pixels, as its paper.
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


# Of pretrained networks: few epochs, and what is learned already moves slowly.
FINE_TUNING: dict[str, Any] = {"epochs": 10, "backbone_rate": 0.1}


# By name, for --recipe.
NAMED: dict[str, Recipe] = {
    # The shortest way found yet to 94 % on Fashion-MNIST, with googlenet_bn.
    "speedrun": Recipe(**FASHION),
}


def named_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ZooError where there is none."""
    if name not in NAMED:
        raise ZooError(f"there is no recipe {name!r}: it is one of {', '.join(NAMED)}")
    return NAMED[name]


def recipe_for(model: str, dataset: str, *, pretrained: bool = False) -> Recipe:
    """The recipe of a network on a data set, by their names; that of fine-tuning where it is `pretrained`."""
    if pretrained:
        return Recipe(**FINE_TUNING)
    for model_pattern, dataset_pattern, changes in RECIPES:
        if fnmatchcase(model, model_pattern) and fnmatchcase(dataset, dataset_pattern):
            return Recipe(**changes)
    return Recipe()


def image_size(recipe: Recipe, native: int, input_size: int, smallest: int) -> int:
    """Pixels a side that the network is trained at.

    The recipe's, if it names one. Else images at least as large as the network's own `input_size` come at that, and
    smaller ones (`native` pixels a side) at the next multiple of 32 that is not below `smallest`, what it can take.
    """
    if recipe.image_size:
        return recipe.image_size
    return min(input_size, -(-max(native, smallest) // 32) * 32)
