"""The data of the network that computes in the page."""

import base64

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.data.preprocessing import Preprocessing
from zoo.lesson.live_data import FILE, counted_lenet5, digits_preprocessing, live_data, resize_matrix, variables_of
from zoo.models.variables import trace_init
from zoo.report.layers.counted_network import count_network
from zoo.report.live import live_network as live_network_module
from zoo.report.live.live_network import live_network
from zoo.report.live.live_panel import live_panel
from zoo.visualize.network_and_images import TrainedNetwork
from zoo.weights import Weights


def test_weights_are_in_the_places_that_operations_name():
    with np.load(FILE) as stored:
        arrays = dict(stored)
    data = live_data()["digits"]
    weights = np.frombuffer(base64.b64decode(data["weights"][-1]), "<f2")
    assert weights.size == 61_706
    first, size = data["network"]["operations"][0]["kernel"]
    assert np.array_equal(weights[first : first + size].reshape(5, 5, 1, 6), arrays["digits/c1/conv/kernel"][-1])


def test_the_digits_network_is_right_on_test_images():
    from zoo.data import open_dataset

    with np.load(FILE) as stored:
        variables = variables_of(dict(stored), "digits")
        stated = float(stored["digits_accuracies"][-1])
    test = open_dataset("digits").test
    preprocessing = digits_preprocessing()
    examples = [test[index] for index in range(len(test))]
    images = np.stack([preprocessing.fitted(example["image"]) for example in examples])
    logits = zoo.create_model("lenet5").apply(variables, preprocessing.normalized(jnp.asarray(images)))
    right = np.mean(np.argmax(logits, -1) == np.array([example["label"] for example in examples]))
    # The weights are rounded to float16: one image may change.
    assert abs(right - stated) <= 1 / len(test)
    assert right > 0.97


def test_the_resize_matrix_is_the_resize_of_training():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    matrix = resize_matrix(8, 32)
    # PIL rounds after each axis.
    fitted = digits_preprocessing().fitted(image)[..., 0]
    assert np.abs(matrix @ image[..., 0] @ matrix.T - fitted).max() <= 1.01


def test_a_network_with_other_operations_is_none():
    network = count_network("LeNet-5 of 1998", zoo.create_model("lenet5_1998"), (32, 32, 1))
    assert live_network(network, {"params": {}}) is None


def test_a_large_network_is_none(monkeypatch):
    monkeypatch.setattr(live_network_module, "MAX_PARAMETERS", 61_705)
    assert live_network(counted_lenet5(), {"params": {}}) is None


@pytest.mark.slow
@pytest.mark.parametrize("name, has_panel", [("squeezenet1_1", True), ("squeezenet1_0", False), ("googlenet", False)])
def test_a_network_that_takes_less_than_a_second_has_a_panel(name, has_panel):
    model = zoo.create_model(name)
    variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), trace_init(model))
    preprocessing = Preprocessing(image_shape=(224, 224, 3), mean=(0.5,) * 3, std=(0.25,) * 3)
    weights = Weights(model=name, variables=variables, preprocessing=preprocessing)
    trained = TrainedNetwork(weights, "zeros")
    panel = live_panel(trained, count_network(name, model, trained.image_shape), None)
    assert (panel is not None) == has_panel
