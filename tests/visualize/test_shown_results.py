"""What a prompt and a notebook show of pictures, of activations and of a data set."""

from io import BytesIO

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image
from quick import drawn

import zoo
from zoo.data import open_dataset
from zoo.training import create_state
from zoo.visualize import Maximized, Occlusion, Projection, TopActivations

MODEL = zoo.create_model("lenet5", num_classes=7)
VARIABLES = drawn(MODEL, (32, 32, 1))


def projection(pixels):
    count = np.zeros(len(pixels), np.int32)
    return Projection(pixels, count.astype(np.float32), np.stack([count, count], -1), count)


def shown(result):
    return np.asarray(Image.open(BytesIO(result._repr_png_())), int)


def test_a_projection_is_grey_where_nothing_is():
    pixels = np.zeros((1, 80, 80, 3), np.float32)
    pixels[0, 40, 40] = (2, -2, 0)
    picture = shown(projection(pixels))
    assert picture.shape == (80, 80, 3)
    np.testing.assert_array_equal(picture[40, 40], (255, 0, 128))
    np.testing.assert_array_equal(picture[0, 0], 128)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (9, 4, 3), (40, 4, 4)])
def test_several_are_beside_each_other(count, columns, rows):
    height, width, _ = shown(projection(np.ones((count, 72, 72, 1), np.float32))).shape
    assert (height, width) == (75 * rows - 3, 75 * columns - 3)


def test_an_image_of_a_unit_is_stretched():
    images = np.array([-3.0, 1.0], np.float32).reshape(1, 1, 2, 1).repeat(100, 1).repeat(50, 2)
    picture = shown(Maximized(images, np.zeros(1)))
    np.testing.assert_array_equal(picture[0, [0, -1]], [[0] * 3, [255] * 3])
    assert shown(Maximized(np.ones((1, 80, 80, 1)), np.zeros(1))).min() == 128


def test_an_occlusion_shows_probabilities():
    probability, activity, labels = np.array([[0.0, 1.0]]), np.zeros((1, 2)), np.zeros((1, 2), int)
    found = Occlusion(probability, activity, labels, 3, "conv1", 4, np.arange(1), np.arange(2), 5)
    picture = shown(found)
    np.testing.assert_array_equal(picture[0, [0, -1]], [[0] * 3, [255] * 3])
    assert repr(found).startswith("Occlusion(probability=[1, 2], ") and "label=3" in repr(found)


def test_what_has_no_colours_is_no_picture():
    assert projection(np.ones((1, 8, 8, 5), np.float32))._repr_png_() is None
    assert projection(np.ones((0, 8, 8, 3), np.float32))._repr_png_() is None


def test_arrays_are_shown_by_their_shapes():
    found = TopActivations("conv1", np.zeros((500, 9)), *[np.zeros((500, 9), int)] * 3)
    assert repr(found).startswith("TopActivations(layer='conv1', values=[500, 9], ")
    assert repr(projection(np.ones((1, 8, 8, 3)))).startswith("Projection(pixels=[1, 8, 8, 3], ")


def test_activations_are_a_dictionary_with_a_short_text():
    x = jnp.zeros((2, 32, 32, 1))
    names = list(zoo.features(MODEL, VARIABLES, x, [""]))
    assert names == [""]
    first, last = [name for name in zoo.visualize.layer_shapes(MODEL, VARIABLES, x) if name][::3][:2]
    found = zoo.features(MODEL, VARIABLES, x, [last, first])
    assert list(found) == [last, first] and found == {last: found[last], first: found[first]}
    lines = [f"  {name}: float32 {list(found[name].shape)}" for name in (last, first)]
    assert repr(found).splitlines() == ["Activations", *lines]
    assert f"float32 {list(found[first].shape)}" in found._repr_html_()


def test_activations_are_a_pytree():
    x = jnp.zeros((2, 32, 32, 1))
    names = [name for name in zoo.visualize.layer_shapes(MODEL, VARIABLES, x) if name][::3][:2][::-1]
    found = jax.jit(lambda x: zoo.features(MODEL, VARIABLES, x, names))(x)
    assert list(found) == names
    doubled = jax.tree.map(lambda array: 2 * array, found)
    np.testing.assert_array_equal(doubled[names[0]], 2 * found[names[0]])
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(found)]
    assert paths == [f"['{name}']" for name in names]


def test_a_data_set_and_a_state_are_one_line():
    dataset = open_dataset("digits")
    assert repr(dataset) == "Dataset(digits: 1,442 training and 355 test images, 10 classes, 8x8x1)"
    assert repr(dataset.train) == "ArraySource(1,442 images)"
    parameters = zoo.count.parameters(VARIABLES["params"])
    state = create_state(MODEL, optax.sgd(0.1), VARIABLES, jax.random.key(0), mean=(0.5,), std=(0.5,))
    assert repr(state) == f"TrainState(LeNet5, step 0, {parameters:,} parameters)"
    assert "step" in str(jax.eval_shape(lambda: state))
