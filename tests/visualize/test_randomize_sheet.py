"""The sanity check as a sheet: its numbers, and its rows and columns."""

import jax
import numpy as np
import pytest
from quick import drawn

import zoo
from zoo.data import Preprocessing
from zoo.data.dataset import ArraySource
from zoo.visualize import randomize_weights, saliency
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork
from zoo.visualize.sheets.randomize_sheet import randomize_sheet, rank_correlation
from zoo.weights import Weights

PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), np.uint8)


def test_the_rank_correlation_is_spearmans_of_the_magnitudes():
    """1 - 6 * sum of squared differences of ranks / (n * (n * n - 1)), where there are no ties."""
    one, other = np.array([[1.0, -2.0, 3.0, 4.0, -5.0]]), np.array([[-20.0, 10.0, 30.0, 50.0, 40.0]])
    assert rank_correlation(one, other) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert rank_correlation(one, np.exp(np.abs(one))) == pytest.approx(1)
    assert rank_correlation(one, np.zeros((1, 5))) == 0


def test_a_row_an_image_and_rule_and_a_column_a_step_of_the_cascade():
    variables = drawn(zoo.create_model("lenet5"), PREPROCESSING.image_shape)
    network = TrainedNetwork(
        Weights(model="lenet5", variables=variables, preprocessing=PREPROCESSING), "lenet5, weights random"
    )
    image_set = ImageSet(ArraySource(IMAGES, np.zeros(2, int)), "noise", names=("first", "second"))
    sheet = randomize_sheet(network, image_set, [7, 3], seed=5)

    labels = [text.get_text() for text in sheet.figure.texts]
    steps = ["learned weights", "down to c5", "down to c3", "all random"]
    for count, start in ((3, "first\nclass 7, "), (3, "second\nclass 3, "), *((6, f"{step}\n") for step in steps)):
        assert sum(label.startswith(start) for label in labels) == count, start
    assert len(sheet.figure.axes) == 2 * 3 * (1 + len(steps))

    given = network.normalized(IMAGES)
    other = randomize_weights(network.model, variables, jax.random.key(5), "c3")
    for rule in ("deconvnet", "guided", "gradient"):
        pictured = [saliency(network.model, v, given, [7, 3], rule=rule) for v in (variables, other)]
        for learned, randomized in zip(*pictured, strict=True):
            assert f"down to c3\n{rank_correlation(learned, randomized):.2f}" in labels
