"""From the settings of the command line to a run's configuration; whatever would fail later fails here."""

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from zoo.data import Dataset, Preprocessing
from zoo.data.preprocessing import channel_constants
from zoo.errors import ZooError
from zoo.models.memory_forecast import check_array_memory, check_training_memory
from zoo.models.network import Network
from zoo.models.variables import check_image_shape, init_shapes, smallest_image_size
from zoo.registry import create_model, model_info
from zoo.runtime.limits import MAX_COUNT
from zoo.runtime.mesh import data_mesh
from zoo.training.check_batch_norms import check_batch_norms
from zoo.training.check_crops import check_crops, check_eval_size
from zoo.training.check_user_network import check_user_network
from zoo.training.computing_type import resolve_type
from zoo.training.config.choose_recipe import choose_recipe
from zoo.training.config.network_settings import for_network
from zoo.training.config.overrides import fit_sizes, with_given
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_table import training_image_size
from zoo.training.config.run_config import RunConfig
from zoo.training.config.unused_settings import check_used
from zoo.training.feed import resolve_feed
from zoo.training.finetune.pretrained_backbone import check_trained_parts, fields_of
from zoo.weights import Weights, load_pretrained
from zoo.weights.network_fields import field_value, plain_fields


def resolve_config(
    model: str,
    dataset: Dataset,
    overrides: dict[str, Any],
    *,
    weights: Weights | None = None,
    recipe_name: str | None = None,
    recipe: Recipe | None = None,
    fields: Mapping[str, Any] = MappingProxyType({}),
) -> RunConfig:
    """The configuration of a new run: the recipe, the named one, or that of this network and data, with `overrides`.

    `fields` are fields of the network, as `zoo.weights.network_fields` gives them. `weights` are those that the run
    starts from, if any. A batch size that was not asked for is made smaller where the data set does not fill it. Raises
    ZooError for whatever would fail once it had started.
    """
    recipe = recipe or choose_recipe(model, dataset, recipe_name, pretrained=weights is not None).recipe
    own_size = recipe.image_size or model_info(model).input_size
    recipe = with_overrides(recipe, dataset, overrides, weights)
    recipe = dataclasses.replace(recipe, dtype=resolve_type(recipe.dtype, own_network=not model_info(model).source))
    recipe = for_network(recipe, model, overrides, fields)
    check_batches(recipe, dataset)
    if recipe.aux_heads:
        create_model(model, aux_heads=True)
    if weights:
        check_given_fields(fields, weights)
        fields = {**fields, **fields_of(weights)}
    network = create_model(model, num_classes=len(dataset.class_names), **{**fields, **recipe.network_fields})
    if weights:
        preprocessing = pretrained_preprocessing(recipe, weights)
    else:
        preprocessing = native_preprocessing(recipe, model, network, dataset)
    recipe = fit_sizes(recipe, overrides, own=own_size, size=preprocessing.image_shape[0])
    if source := model_info(model).source:
        network = network.clone(image_shape=preprocessing.image_shape, dtype=jnp.dtype(recipe.computing_type))
        check_user_network(network, preprocessing.image_shape)
        fields = {**plain_fields(model, network), **fields}
    check_image_shape(network, preprocessing.image_shape, "--image-size")
    check_shift(recipe, preprocessing)
    check_memory(network, recipe, preprocessing, dataset)
    check_trained_parts(network, recipe)
    shape = preprocessing.image_shape
    check_used(recipe, overrides, has_batch_norm="batch_stats" in init_shapes(network, shape), grey=shape[2] == 1)
    check_batch_norms(network, recipe, preprocessing.image_shape)
    recipe = dataclasses.replace(recipe, feed=resolve_feed(recipe, dataset, preprocessing))
    check_crops(recipe, preprocessing)
    config = RunConfig(
        model=model,
        dataset=dataset.name,
        recipe=recipe,
        preprocessing=preprocessing,
        class_names=dataset.class_names,
        fields=dict(fields),
        data=dataset.origin,
        model_source="" if source == model else source,
    )
    check_eval_size(config)
    return config


def with_overrides(recipe: Recipe, dataset: Dataset, overrides: dict[str, Any], weights: Weights | None) -> Recipe:
    """The recipe with `overrides`, else with what pretrained weights and a small data set require."""
    if weights:
        recipe = dataclasses.replace(recipe, fit=weights.preprocessing.fit)
    recipe = with_given(recipe, overrides)
    if "batch_size" in overrides:
        return recipe
    return dataclasses.replace(recipe, batch_size=fitting_batch_size(recipe.batch_size, dataset))


def check_given_fields(fields: Mapping[str, Any], weights: Weights) -> None:
    """Raises ZooError for a field of the network that is another in the weights that the run starts from."""
    for name, value in fields.items():
        stored = field_value(weights.model, weights.fields, name)
        if stored != value:
            raise ZooError(f"these weights of {weights.model} have {name}={stored}, not {value}: leave out --model-arg")


def fitting_batch_size(batch_size: int, dataset: Dataset) -> int:
    """The batch size, or for fewer images than that the largest one that they fill and the devices can split."""
    images, devices = len(dataset.train), jax.device_count()
    return batch_size if images >= batch_size else max(images // devices, 1) * devices


def check_batches(recipe: Recipe, dataset: Dataset) -> None:
    """Raises ZooError where the images do not fill a batch, the devices cannot split it, or no update is made."""
    data_mesh(recipe.batch_size)
    images = len(dataset.train)
    for split, source in (("training", dataset.train), ("test", dataset.test)):
        if not len(source):
            raise ZooError(f"{dataset.name} has no {split} images: a run needs some for training and some for testing")
    if recipe.batch_size > images:
        raise ZooError(f"batch_size is {recipe.batch_size}: {dataset.name} has only {images} training images")
    check_group_size(recipe)
    steps = recipe.epochs * (images // recipe.batch_size)
    if steps > MAX_COUNT:
        raise ZooError(f"epochs is {recipe.epochs}: these are {steps} steps, and a run has at most {MAX_COUNT}")
    if recipe.accumulate > steps:
        raise ZooError(f"accumulate is {recipe.accumulate}: the run has only {steps} steps, and would make no update")
    updates = steps // recipe.accumulate
    if recipe.ema and recipe.ema_every > updates:
        raise ZooError(f"ema_every is {recipe.ema_every}: the run has only {updates} updates, so give less, or --ema 0")


def check_group_size(recipe: Recipe) -> None:
    """Raises ZooError where batches are no whole number of `bn_group`, or devices would share parts of groups."""
    group, images = recipe.bn_group, recipe.batch_size // jax.device_count()
    if not group:
        return
    if recipe.batch_size % group:
        raise ZooError(f"bn_group is {group}: it must divide the batch size of {recipe.batch_size}")
    if group % images and images % group:
        raise ZooError(
            f"bn_group is {group}: each device has {images} images of a step, which bn_group must divide, or be a "
            "multiple of"
        )


def check_shift(recipe: Recipe, preprocessing: Preprocessing) -> None:
    """Raises ZooError where a shift may leave nothing of an image."""
    height, width, _ = preprocessing.image_shape
    if recipe.shift >= min(height, width):
        raise ZooError(f"shift is {recipe.shift}: images of {height}x{width} pixels can be shifted by less than that")


def check_memory(network: Network, recipe: Recipe, preprocessing: Preprocessing, dataset: Dataset) -> None:
    """Raises ZooError where a batch, or the images that the recipe keeps in memory, have no room."""
    shape = preprocessing.image_shape
    try:
        check_training_memory(network, shape, -(-recipe.batch_size // jax.device_count()), recipe.computing_type)
    except ZooError as error:
        scaled = "; the recipe's learning rate is scaled with --batch-size" if recipe.rate_batch else ""
        raise ZooError(f"{error}{scaled}") from None
    if recipe.feed == "resident":
        images = len(dataset.train) + len(dataset.test)
        check_array_memory(f"{images} resident images of {'x'.join(map(str, shape))}", images * math.prod(shape))


def check_classes(config: RunConfig, dataset: Dataset) -> None:
    """Raises ZooError where the network has another number of outputs than the data has classes."""
    if len(config.class_names) != len(dataset.class_names):
        raise ZooError(
            f"the configuration has {len(config.class_names)} classes, and {dataset.name} {len(dataset.class_names)}"
        )


def pretrained_preprocessing(recipe: Recipe, weights: Weights) -> Preprocessing:
    """That of the weights, without their crop, and of the recipe's image size if it names one."""
    height, width, channels = weights.preprocessing.image_shape
    if recipe.image_size:
        height = width = recipe.image_size
    return dataclasses.replace(weights.preprocessing, image_shape=(height, width, channels), fit=recipe.fit, crop=1.0)


def native_preprocessing(recipe: Recipe, model: str, network: Network, dataset: Dataset) -> Preprocessing:
    """The channels of the data set, the network's constants, and an image size that suits both.

    A network of the user that states its images has images of that size.
    """
    info = model_info(model)
    height, width, channels = dataset.image_shape
    is_default = isinstance(network, Network) and network.image_shape == Network.image_shape
    stated = network.image_shape if info.source and not is_default else None
    if stated is not None and len(stated) == 3 and not recipe.image_size:
        height, width, stated_channels = stated
        if stated_channels not in (1, 3) and height in (1, 3):
            raise ZooError(f"the image_shape of {model} is {stated}: give height, width and channels in this order")
    else:
        # Of a network of the user, any error may be that of a small image: one size is tried, and refused with it.
        smallest = 1 if info.source else smallest_image_size(network, channels)
        height = width = training_image_size(recipe, max(height, width), info.input_size, smallest)
    return Preprocessing(
        image_shape=(height, width, channels),
        mean=channel_constants(info.mean, channels),
        std=channel_constants(info.std, channels),
        fit=recipe.fit,
    )


def open_weights(model: str, overrides: dict[str, Any], pretrained: str | None) -> Weights | None:
    """The weights that --pretrained names. Raises ZooError if they are not available, or --freeze has none to keep."""
    if pretrained is not None:
        return load_pretrained(model, pretrained or None)
    if overrides.get("freeze", "none") != "none":
        raise ZooError("--freeze keeps pretrained parameters: give --pretrained too")
    return None
