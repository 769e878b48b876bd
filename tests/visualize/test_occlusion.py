"""Occlusion against the loop written plainly: one square, one image, one forward pass at a time."""

import jax
import numpy as np
import pytest
from small_networks import IMAGE, Small, images, variables_of

import zoo
from zoo.visualize import occlusion


@pytest.mark.parametrize(
    ("given", "label", "unit", "size", "stride", "fill"),
    [
        ({}, None, None, 4, 1, 0.0),
        ({"label": 2, "layer": "conv2", "unit": 5, "size": 6, "stride": 4, "fill": 1.5}, 2, 5, 6, 4, 1.5),
    ],
)
def test_it_is_the_plain_loop(given, label, unit, size, stride, fill):
    model, image = Small(), images(1)[0]
    variables, layer = variables_of(model), given.get("layer", "conv3")

    @jax.jit
    def run(image):
        maps = zoo.features(model, variables, image[None], [layer])[layer][0]
        return jax.nn.softmax(model.apply(variables, image[None])[0]), maps.sum(axis=(0, 1))

    probabilities, totals = run(image)
    label = int(probabilities.argmax()) if label is None else label
    unit = int(totals.argmax()) if unit is None else unit
    found = occlusion(model, variables, image, batch_size=32, **given)
    assert (found.label, found.layer, found.unit, found.size) == (label, layer, unit, size)
    assert found.tops.tolist() == list(range(0, IMAGE[0] - size + 1, stride))
    assert found.lefts.tolist() == list(range(0, IMAGE[1] - size + 1, stride))
    for row, top in enumerate(found.tops):
        for column, left in enumerate(found.lefts):
            hidden = image.copy()
            hidden[top : top + size, left : left + size] = fill
            probabilities, totals = run(hidden)
            assert found.labels[row, column] == probabilities.argmax()
            np.testing.assert_allclose(found.probability[row, column], probabilities[label], rtol=1e-4)
            np.testing.assert_allclose(found.activity[row, column], totals[unit], rtol=1e-4, atol=1e-5)


ERRORS = {
    r"\(1, 19, 22, 3\)": {"image": images(1)},
    "size is 20: .*1 to 19": {"size": 20},
    "stride is 0": {"stride": 0},
    "conv3 .*unit 7.* 0 to 6": {"unit": 7},
    "class 5.* 0 to 4": {"label": 5},
    "'conv'.*did you mean conv": {"layer": "conv"},
    "fc of Small": {"layer": "fc"},
}


@pytest.mark.parametrize("message", ERRORS)
def test_bad_input_is_one_clear_line(message):
    given = {"image": images(1)[0]} | ERRORS[message]
    with pytest.raises(zoo.ZooError, match=message):
        occlusion(Small(), variables_of(Small()), **given)
