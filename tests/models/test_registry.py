"""The registry: names, records, errors."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.registry import natural_key


def test_list_models_filters_by_glob_in_natural_order():
    names = zoo.list_models("vgg*")
    assert names == ["vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]
    assert sorted(["b10", "b2", "b1"], key=natural_key) == ["b1", "b2", "b10"]
    # int() takes the decimal digits of any script and no other ones.
    assert sorted(["②", "10", "2", "x²"], key=natural_key) == ["2", "10", "x²", "②"]
    assert zoo.list_models("nothing*") == []


@pytest.mark.parametrize("name", zoo.list_models())
def test_every_record_is_complete_and_frozen(name):
    info = zoo.model_info(name)
    assert info.title and info.url.startswith("http") and 1989 <= info.year <= 2026
    assert len(info.mean) == len(info.std) == info.channels
    assert info.parameters > 0 and info.macs > 0
    assert zoo.create_model(name).image_shape == (info.input_size, info.input_size, info.channels)
    assert zoo.create_model(name).num_classes == info.num_classes
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.year = 1


def test_an_unknown_name_suggests_similar_names():
    with pytest.raises(zoo.ZooError, match=r"goglenet.*did you mean googlenet"):
        zoo.create_model("goglenet")


def test_an_unknown_field_suggests_similar_fields():
    with pytest.raises(zoo.ZooError, match=r"googlenet.*'num_class'.*did you mean num_classes"):
        zoo.create_model("googlenet", num_class=10)


def test_a_name_can_be_registered_only_once():
    info = zoo.model_info("lenet5")
    with pytest.raises(zoo.ZooError, match="lenet5"):
        zoo.register(info)


@pytest.fixture
def registered(monkeypatch):
    """Registers networks for one test."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    return lambda name, build: zoo.register(dataclasses.replace(zoo.model_info("lenet5"), name=name, build=build))


def named_fields(num_classes=10, *, dtype=jnp.float32):
    return zoo.create_model("lenet5", num_classes=num_classes, dtype=dtype)


def test_a_network_from_a_factory(registered):
    registered("any", lambda **fields: zoo.create_model("lenet5", **fields))
    registered("named", named_fields)
    registered("partial", partial(named_fields, dtype=jnp.bfloat16))
    for name in ("any", "named", "partial"):
        model = zoo.create_model(name, num_classes=3)
        assert (type(model).__name__, model.num_classes) == ("LeNet5", 3)
    assert zoo.create_model("partial").dtype == jnp.bfloat16


def test_an_unknown_field_of_a_factory_is_one_line(registered):
    registered("any", lambda **fields: zoo.create_model("lenet5", **fields))
    registered("class", lambda **fields: type(zoo.create_model("lenet5"))(**fields))
    registered("named", named_fields)
    for name in ("any", "class", "named"):
        with pytest.raises(zoo.ZooError, match="num_class") as error:
            zoo.create_model(name, num_class=3)
        assert "\n" not in str(error.value)


def test_an_error_inside_a_factory_is_not_hidden(registered):
    registered("wrong", lambda **fields: len(3))
    with pytest.raises(zoo.ZooError, match=r"TypeError.*len.*test_registry.py, line \d+") as error:
        zoo.create_model("wrong", num_classes=3)
    assert isinstance(error.value.__cause__, TypeError)


def test_init_under_jit():
    model = zoo.create_model("lenet5")
    shapes = jax.eval_shape(lambda key: zoo.init(model, key), jax.random.key(0))
    drawn = jax.jit(lambda key: zoo.init(model, key))(jax.random.key(0))
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, drawn)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), drawn, zoo.init(model, jax.random.key(0)))
    assert jax.eval_shape(lambda: zoo.init(model, jax.random.key(0), (32, 32, 1))) == shapes
    several = jax.eval_shape(jax.vmap(lambda key: zoo.init(model, key)), jax.random.split(jax.random.key(0), 2))
    assert several["params"]["output"]["bias"].shape == (2, 10)


def test_a_network_of_a_notebook_has_to_move_to_a_module():
    with pytest.raises(zoo.ZooError, match=r"move it to a module.*--model my_nets:Net"):
        registry.stored_model("__main__:Net", "", "runs/own/config.json")


@pytest.mark.parametrize("make", [zoo.create_model, zoo.feature_pyramid])
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("image_shape", "64x64x1", r'resnet18: image_shape is "64x64x1": expected a list'),
        ("image_shape", (64, 64), r"image_shape is a list of 2: expected a list of length 3"),
        ("image_shape", (64, 64, -1), r"image_shape\[2\] is -1: expected a whole number >= 1"),
        ("depths", "2,2", r'depths is "2,2": expected a list'),
        ("dropout", np.float32(2), r"dropout is 2.0: expected a number <= 1"),
        ("groups", 0, r"groups is 0: expected a whole number >= 1"),
        ("shortcut", "none", r'shortcut is "none": expected one of projection, padding, pooling'),
    ],
)
def test_a_field_with_a_wrong_value_is_one_line(make, field, value, message):
    with pytest.raises(zoo.ZooError, match=message) as error:
        make("resnet18", **{field: value})
    assert "\n" not in str(error.value)


def test_fields_may_be_lists_and_numbers_of_numpy():
    fields = {"depths": [1, 1, 1, 1], "widths": np.array([8, 8, 8, 8]), "groups": np.int64(1)}
    model = zoo.create_model("resnet18", **fields)
    assert (model.depths, model.widths, model.groups) == ((1, 1, 1, 1), (8, 8, 8, 8), 1)
    assert isinstance(hash(model), int)
