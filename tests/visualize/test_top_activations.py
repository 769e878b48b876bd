"""The strongest activations over many images, against sorting them all, and their receptive fields."""

import jax
import numpy as np
import pytest
from small_networks import IMAGE, Small, images, maps_of, variables_of

import zoo
from zoo.data import Dataset, Preprocessing
from zoo.data.dataset import ArraySource
from zoo.visualize import patch, receptive_boxes, top_activations

COUNT = 23


@pytest.fixture(scope="module")
def variables():
    return variables_of(Small())


@pytest.fixture(scope="module")
def sorted_by_numpy(variables):
    """Values and images [units, COUNT] and positions [units, COUNT, 2] of conv2, all of them."""
    maps = np.asarray(maps_of(Small(), variables, images(COUNT), "conv2"))
    flat = maps.reshape(COUNT, -1, maps.shape[-1])
    order = np.argsort(-flat.max(axis=1), axis=0, kind="stable").T
    units = np.arange(len(order))[:, None]
    at = flat.argmax(axis=1)[order, units]
    return flat.max(axis=1)[order, units], order, np.stack([at // maps.shape[2], at % maps.shape[2]], axis=-1)


def assert_the_first(found, expected, k):
    values, order, positions = (array[:, :k] for array in expected)
    np.testing.assert_allclose(found.values, values, rtol=1e-5)
    np.testing.assert_array_equal(found.images, order)
    np.testing.assert_array_equal(found.positions, positions)


@pytest.mark.parametrize("batch_size", [4, 23, 64])
def test_the_activations_are_those_found_by_sorting(variables, sorted_by_numpy, batch_size):
    found = top_activations(Small(), variables, images(COUNT), "conv2", k=5, batch_size=batch_size)
    assert_the_first(found, sorted_by_numpy, 5)
    assert found.layer == "conv2" and found.boxes.shape == (8, 5, 4)


def test_batches_may_be_an_iterable_and_fewer_than_k(variables, sorted_by_numpy):
    x = images(COUNT)
    batches = (x[start : start + 10] for start in range(0, COUNT, 10))
    assert_the_first(top_activations(Small(), variables, batches, "conv2", k=100), sorted_by_numpy, COUNT)


def test_a_data_set_is_preprocessed(variables):
    pixels = np.random.default_rng(0).integers(0, 256, (11, 30, 30, 3), np.uint8)
    prepared = Preprocessing(image_shape=IMAGE, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    source = ArraySource(pixels, np.zeros(11, np.int64))
    dataset = Dataset("random", ArraySource(pixels[:1], np.zeros(1, np.int64)), source, ("a",), (30, 30, 3))
    x = np.stack([prepared.normalized(prepared.fitted(image)) for image in pixels])
    expected = top_activations(Small(), variables, x, "conv3", k=3)
    for given in (dataset, source):
        found = top_activations(Small(), variables, given, "conv3", k=3, preprocessing=prepared, batch_size=4)
        np.testing.assert_allclose(found.values, expected.values, atol=1e-4)
        active = expected.values > 0  # for a unit that is never active, all images are equal
        np.testing.assert_array_equal(found.images[active], expected.images[active])


def test_a_box_is_the_pixels_that_change_the_activation(variables):
    """The gradient of one activation with random, positive weights reaches every pixel of the receptive field."""
    model = Small(pools=False, act=lambda x: x)
    positive = jax.tree.map(abs, variables)
    for position in [(0, 0), (8, 9), (16, 19)]:
        pixels = zoo.visualize.deconvnet(
            model, positive, images(1), "conv3", 0, position=position, rule="gradient"
        ).pixels[0]
        rows, columns = (np.flatnonzero(pixels.any(axis=axes)) for axes in ((1, 2), (0, 2)))
        top, left, bottom, right = receptive_boxes(model, IMAGE, "conv3", np.array(position))
        assert (max(top, 0), min(bottom, IMAGE[0])) == (rows[0], rows[-1] + 1)
        assert (max(left, 0), min(right, IMAGE[1])) == (columns[0], columns[-1] + 1)
        assert (bottom - top, right - left) == (9, 9)


def test_boxes_of_googlenets_first_layers():
    """Its 7x7 filters of stride 2 lie from -3, as the padding is 3; a 3x3 pool of stride 2 follows, and 3x3 filters."""
    model, shape = zoo.create_model("googlenet"), (224, 224, 3)
    assert receptive_boxes(model, shape, "conv1", np.array([0, 5])).tolist() == [-3, 7, 4, 14]
    # 7 + 2 * 2 for the pool, + 2 * 4 for the filters; from -3, and one step of 4 further up and left.
    assert receptive_boxes(model, shape, "conv2", np.array([[0, 0], [1, 2]])).tolist() == [
        [-7, -7, 12, 12],
        [-3, 1, 16, 20],
    ]


def test_behind_a_gate_the_box_is_the_image():
    model = zoo.create_model("efficientnet_b0")
    assert receptive_boxes(model, (64, 96, 3), "block2_1", np.array([3, 3])).tolist() == [0, 0, 64, 96]


def test_patches_are_padded_at_the_borders():
    image = np.arange(24.0).reshape(4, 6, 1)
    np.testing.assert_array_equal(patch(image, (1, 2, 3, 5)), image[1:3, 2:5])
    found = patch(image, (-1, 4, 2, 9), fill=7.0)
    assert found.shape == (3, 5, 1)
    np.testing.assert_array_equal(found[1:, :2], image[:2, 4:])
    assert (found[0] == 7).all() and (found[:, 2:] == 7).all()
    assert (patch(image, (-5, -5, -2, -2)) == 0).all() and patch(image, (-5, -5, -2, -2)).shape == (3, 3, 1)
    assert patch(image, (5, 7, 8, 9)).shape == (3, 2, 1)


# What is wrong, and the parts that the message names.
ERRORS = {
    "an unknown layer": ({"layer": "conv9"}, ("Small", "'conv9'", "did you mean conv")),
    "a layer without maps": ({"layer": "fc"}, ("fc of Small",)),
    "none of each unit": ({"k": 0}, ("k is 0",)),
    "no batch": ({"batch_size": 0}, ("batch_size is 0",)),
    "no images": ({"images": []}, ("no images",)),
    "a number": ({"images": 3}, ("int",)),
    "a data set without preprocessing": (
        {"images": ArraySource(np.zeros((2, 30, 30, 3), np.uint8), np.zeros(2))},
        ("0 to 255", "preprocessing"),
    ),
    "integers": ({"images": np.zeros((2, *IMAGE), np.uint8)}, ("uint8", "float")),
    "two shapes": ({"images": [images(2), images(2, shape=(24, 22, 3))]}, ("(24, 22, 3)", "(19, 22, 3)")),
    "not finite": ({"images": images(2) * np.nan}, ("conv2 of Small", "not finite")),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_clear_line(variables, case):
    given, parts = ERRORS[case]
    with pytest.raises(zoo.ZooError) as error:
        top_activations(Small(), variables, **({"images": images(2), "layer": "conv2"} | given))
    message = str(error.value)
    assert all(part in message for part in parts) and "\n" not in message
