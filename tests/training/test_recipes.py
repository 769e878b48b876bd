"""Recipes, their table and the optimizer they ask for."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.training import Recipe, learning_rate_schedule, make_optimizer, recipe_for, training_image_size
from zoo.training.config.recipe_table import named_recipe


@pytest.mark.parametrize("dataset", ["digits", "fashion-mnist", "imagenet2012", "cifar10"])
def test_recipes_ask_for_auxiliary_heads_only_where_a_network_has_some(dataset):
    networks = {name: zoo.create_model(name) for name in zoo.list_models()}
    with_heads = {name for name in networks if recipe_for(name, dataset).aux_heads}
    assert "googlenet" in with_heads
    assert with_heads <= {name for name, network in networks.items() if hasattr(network, "aux_heads")}


def test_googlenet_trains_with_its_auxiliary_heads():
    recipe = recipe_for("googlenet", "digits")
    assert recipe.aux_heads and recipe.aux_weight == 0.3


def test_a_recipe_has_a_name():
    assert named_recipe("speedrun").flip
    with pytest.raises(zoo.ZooError, match=r"there is no recipe 'quick': it is one of .*speedrun"):
        named_recipe("quick")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("batch_size", 0, "batch_size is 0: it must be a whole number from 1 to 1048576"),
        ("batch_size", 10**12, "batch_size is 1000000000000: it must be a whole number from 1 to 1048576"),
        pytest.param("epochs", 10**5000, "epochs is a whole number of 16610 bits: it must be", id="epochs-huge"),
        ("epochs", 2.0, "epochs is 2.0: it must be a whole number"),
        ("epochs", True, "epochs is True: it must be a whole number"),
        ("learning_rate", -1.0, "learning_rate is -1.0: it must be a float32 number from 0 to 1000"),
        ("learning_rate", float("nan"), "learning_rate is nan"),
        ("learning_rate", float("inf"), "learning_rate is inf: it must be a float32 number from 0 to 1000"),
        ("learning_rate", "0.1", "learning_rate is '0.1': it must be a float32 number"),
        ("learning_rate", 1e-320, "learning_rate is 1e-320: it must be a float32 number"),
        ("warmup_epochs", 1e308, "warmup_epochs is 1e.308: it must be a float32 number from 0 to 1000000"),
        ("seed", 2**32, "seed is 4294967296: it must be a whole number from 0 to 4294967295"),
        ("ema", 1.0, "ema is 1.0: it must be a float32 number from 0 to less than 1"),
        # Float32 rounds it to 1: the average would never change.
        ("ema", 0.99999999, "ema is 0.99999999: it must be a float32 number from 0 to less than 1"),
        ("accumulate", 0, "accumulate is 0: it must be a whole number from 1"),
        ("optimizer", "adam", "optimizer is 'adam': it must be one of adamw, sgd"),
        ("optimizer", ["sgd"], "it must be one of adamw, sgd"),
        ("flip", 1, "flip is 1: it must be True or False"),
        ("freeze", None, "freeze is None: it must be text"),
        ("label_smoothing", 1.0, "label_smoothing is 1.0: it must be a float32 number from 0 to less than 1"),
    ],
)
def test_an_impossible_setting_is_one_clear_line(field, value, message):
    with pytest.raises(zoo.ZooError, match=message):
        Recipe(**{field: value})


@pytest.mark.parametrize(
    ("native", "input_size", "smallest", "size"),
    [
        (8, 224, 31, 32),
        (28, 224, 31, 32),
        (28, 224, 63, 64),
        (28, 32, 16, 32),
        (160, 224, 31, 160),
        (500, 224, 31, 224),
        (224, 227, 67, 224),
        (230, 227, 67, 227),
    ],
)
def test_small_images_come_at_the_next_multiple_of_32(native, input_size, smallest, size):
    assert training_image_size(Recipe(), native, input_size, smallest) == size
    assert training_image_size(Recipe(image_size=100), native, input_size, smallest) == 100


def test_the_learning_rate_warms_up_and_falls_to_zero():
    rate = learning_rate_schedule(Recipe(epochs=10, learning_rate=0.5, warmup_epochs=2), 100)
    assert rate(0) == 0
    np.testing.assert_allclose([rate(100), rate(200), rate(600), rate(1000)], [0.25, 0.5, 0.25, 0], atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lamb", "muon", "rmsprop"])
def test_weight_decay_spares_biases_and_norms(optimizer):
    recipe = Recipe(optimizer=optimizer, weight_decay=0.1, warmup_epochs=0)
    ones = partial(np.ones, dtype=np.float32)
    params = {"conv": {"kernel": ones((3, 3, 2, 2)), "bias": ones(2)}, "bn": {"scale": ones(2)}}
    transformation = make_optimizer(recipe, 10)

    @jax.jit
    def update(params):
        zero = jax.tree.map(jnp.zeros_like, params)
        return transformation.update(zero, transformation.init(params), params)[0]

    updates = jax.device_get(update(params))
    assert (updates["conv"]["kernel"] < 0).all()
    assert not updates["conv"]["bias"].any() and not updates["bn"]["scale"].any()


def test_gradients_are_clipped_by_their_global_norm():
    recipe = Recipe(optimizer="sgd", clip_norm=1.0, momentum=0.0, weight_decay=0, warmup_epochs=0, learning_rate=1.0)
    transformation = make_optimizer(recipe, 10)
    gradient = {"a": np.full(3, 10, np.float32), "b": np.full(4, -10, np.float32)}
    update = jax.jit(lambda gradient: transformation.update(gradient, transformation.init(gradient), gradient)[0])
    norm = np.sqrt(sum(float((leaf**2).sum()) for leaf in jax.device_get(jax.tree.leaves(update(gradient)))))
    np.testing.assert_allclose(norm, 1.0, rtol=1e-5)


def test_adaptive_clipping_is_of_each_output_against_its_parameters():
    """Equation 3 of the paper in NumPy; a bias of zeros can change, and the head is left alone."""
    recipe = Recipe(
        optimizer="sgd", clip_adaptive=0.1, momentum=0.0, weight_decay=0, warmup_epochs=0, learning_rate=1.0
    )
    transformation = make_optimizer(recipe, 10, head=frozenset({"fc/kernel", "fc/bias"}))
    rng = np.random.default_rng(0)
    shapes = {"conv": {"kernel": (3, 3, 4, 5), "bias": (5,), "gain": (5,)}, "fc": {"kernel": (5, 3), "bias": (3,)}}
    params, gradient = (
        jax.tree.map(
            lambda shape: rng.normal(size=shape).astype(np.float32), shapes, is_leaf=lambda x: type(x) is tuple
        )
        for _ in range(2)
    )
    params["conv"]["bias"][:] = 0
    gradient["conv"]["kernel"][..., :2] *= 1e-3  # below the bound
    updates = jax.jit(lambda g, p: transformation.update(g, transformation.init(p), p)[0])(gradient, params)
    for name, axes in (("kernel", (0, 1, 2)), ("bias", 0), ("gain", 0)):
        g, p = gradient["conv"][name], params["conv"][name]
        norm, bound = (np.sqrt((array**2).sum(axes)) for array in (g, p))
        expected = g * np.minimum(1, 0.1 * np.maximum(bound, 1e-3) / norm)
        np.testing.assert_allclose(updates["conv"][name], -expected, rtol=1e-5)
    jax.tree.map(lambda u, g: np.testing.assert_allclose(u, -g, rtol=1e-6), updates["fc"], gradient["fc"])


def test_every_setting_has_a_help_text():
    assert all(field.metadata["help"] for field in dataclasses.fields(Recipe))


def test_fashion_mnist_has_its_recipe_under_both_of_its_names():
    folder, of_tfds, other = (recipe_for("resnet18", name) for name in ("fashion-mnist", "fashion_mnist", "photos"))
    assert folder == of_tfds != other


@pytest.mark.parametrize("name", ["resnet20_cifar", "wrn_16_4", "densenet_bc_100_12"])
def test_networks_for_cifar_take_images_of_fashion_mnist_as_they_are(name):
    assert recipe_for(name, "fashion-mnist").image_size == 28
    assert recipe_for("densenet121", "fashion-mnist").image_size > 28
