"""Feature maps and filters as arrays."""

import jax
import numpy as np
import pytest
from small_networks import Small, images, maps_of, variables_of

import zoo
from zoo.models.variables import init_shapes
from zoo.visualize import activations, filters, layer_shapes
from zoo.visualize.methods.named_layers import last_spatial_layer


def test_activations_are_the_networks_features():
    model, x = Small(norm=True), images(5)
    variables = variables_of(model)
    for layer in ("conv1", "conv2/bn"):
        found = activations(model, variables, x, layer, batch_size=2)
        expected = maps_of(model, variables, x, layer)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(found).max())


def test_filters_are_kernels():
    model = Small()
    variables = variables_of(model)
    kernels = {name: variables["params"][name]["conv"]["kernel"] for name in ("conv1", "conv2")}
    np.testing.assert_array_equal(filters(model, variables), kernels["conv1"])
    for name in ("conv2", "conv2/conv"):
        np.testing.assert_array_equal(filters(model, variables, name), kernels["conv2"])


def test_the_first_filters_are_those_that_run_first():
    model = zoo.create_model("googlenet")
    variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), init_shapes(model))
    assert filters(model, variables).shape == (7, 7, 3, 64)
    with pytest.raises(zoo.ZooError, match=r"inception_3a has 6 .*inception_3a/"):
        filters(model, variables, "inception_3a")
    with pytest.raises(zoo.ZooError, match=r"GoogLeNet .*'loss3/classifier'"):
        filters(model, variables, "loss3/classifier")


def test_layers_are_listed_as_they_finish():
    model = Small(norm=True)
    shapes = layer_shapes(model, variables_of(model), images(2))
    assert list(shapes) == [*(f"conv{i}{part}" for i in (1, 2, 3) for part in ("/conv", "/bn", "")), "fc", ""]
    assert shapes["conv1"] == (2, 19, 22, 6) and shapes[""] == (2, 5)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"conv": (1, 1, 1, 8), "head": (1, 3)}, "give larger images"),
        ({"fc": (1, 8), "head": (1, 3)}, "no layer has any"),
    ],
)
def test_larger_images_are_advised_only_where_they_help(shapes, message):
    with pytest.raises(zoo.ZooError, match=f"Small has no feature maps.*{message}"):
        last_spatial_layer(Small(), shapes)
