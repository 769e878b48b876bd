"""Grad-CAM equals CAM for a network that ends with a mean and a dense layer."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import Small, images, logits_of, maps_of, variables_of

import zoo
from zoo.layers import conv, max_pool
from zoo.models.network import Network
from zoo.visualize import grad_cam


def test_of_the_last_layer_it_is_cam():
    """Section 3.1 of the paper: the gradient is the dense layer's weight over the number of positions."""
    model, x = Small(), images(3)
    variables = variables_of(model)
    maps = np.asarray(maps_of(model, variables, x, "conv3"), np.float64)
    weights = np.asarray(variables["params"]["fc"]["kernel"], np.float64)[:, [4, 0, 2]]
    expected = np.maximum(np.einsum("brck,kb->brc", maps, weights), 0) / (maps.shape[1] * maps.shape[2])
    found = grad_cam(model, variables, x, [4, 0, 2])
    assert expected.any()
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())
    np.testing.assert_allclose(grad_cam(model, variables, x, [4, 0, 2], layer="conv3", batch_size=2), found, atol=1e-6)


def test_of_an_earlier_layer_it_is_the_mean_gradient_of_what_follows():
    model, x = Small(), images(1)
    variables = variables_of(model)
    third, dense = variables["params"]["conv3"]["conv"], variables["params"]["fc"]

    def logit(maps):
        y = conv(max_pool(maps, 2), third["kernel"], third["bias"])
        return (jnp.maximum(y, 0).mean(axis=(1, 2)) @ dense["kernel"] + dense["bias"])[0, 2]

    maps = np.asarray(maps_of(model, variables, x, "conv2"))
    weights = np.asarray(jax.jit(jax.grad(logit))(maps)).mean(axis=(1, 2))
    expected = np.maximum((maps * weights[:, None, None]).sum(axis=-1), 0)
    found = grad_cam(model, variables, x, 2, layer="conv2")
    assert expected.any()
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_the_most_probable_class_is_the_default():
    model, x = Small(), images(2)
    variables = variables_of(model)
    likely = np.argmax(logits_of(model, variables, x), axis=1)
    np.testing.assert_array_equal(grad_cam(model, variables, x), grad_cam(model, variables, x, likely))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": "conv5"}, "'conv5'.*did you mean conv"),
        ({"layer": "fc"}, "fc of Small"),
        ({"classes": 7}, "class 7.* 0 to 4"),
    ],
)
def test_bad_input_is_one_clear_line(given, message):
    with pytest.raises(zoo.ZooError, match=message):
        grad_cam(Small(), variables_of(Small()), images(1), **given)


def test_a_network_without_maps():
    with pytest.raises(zoo.ZooError, match=r"Flat .*larger images"):
        grad_cam(Flat(), variables_of(Flat()), images(1))
    with pytest.raises(zoo.ZooError, match=r"fc of Flat .*no layer has any"):
        grad_cam(Flat(), variables_of(Flat()), images(1), layer="fc")


class Flat(Network):
    """A single dense layer."""

    @nn.compact
    def __call__(self, x):
        return self.classify(x.reshape(len(x), -1), "fc")
