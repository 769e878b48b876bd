"""Crops of training and evaluation that do not fit the images or the network are refused before a run."""

import jax

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.models.variables import check_image_shape, init_shapes
from zoo.registry import create_model
from zoo.training.config.crop_sizes import parse_crop_sizes
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_config import RunConfig


def check_crops(recipe: Recipe, preprocessing: Preprocessing) -> None:
    """Raises ZooError where crop_sizes has no room for the image size, or no original images to cut it from."""
    sides = parse_crop_sizes(recipe.crop_sizes)
    if sides is None:
        return
    if not recipe.crops_originals:
        setting = "fit pad" if recipe.fit == "pad" else f"feed {recipe.feed}"
        raise ZooError(f"crop_sizes cuts the image size out of larger images: it cannot be used with {setting}")
    size = max(preprocessing.image_shape[:2])
    if sides[0] < size:
        raise ZooError(f"crop_sizes is {recipe.crop_sizes}: with an image size of {size} it begins with {size} or more")


def check_eval_size(config: RunConfig) -> None:
    """Raises ZooError where the network cannot take images of the size of evaluation, or has other parameters then."""
    shape = config.eval_preprocessing.image_shape
    if shape == config.preprocessing.image_shape:
        return
    trained, tested = (
        create_model(config.model, **config.network_fields(), image_shape=one)
        for one in (config.preprocessing.image_shape, shape)
    )
    check_image_shape(tested, shape, "--eval-size")
    if jax.tree.map(lambda leaf: leaf.shape, init_shapes(trained, config.preprocessing.image_shape)) != jax.tree.map(
        lambda leaf: leaf.shape, init_shapes(tested, shape)
    ):
        raise ZooError(
            f"eval_size is {config.recipe.eval_size}: {config.model} has other parameters for images of another size "
            "than in training; give --eval-size 0, which is that"
        )
