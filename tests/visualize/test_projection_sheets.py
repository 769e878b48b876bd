"""The paper's Figure 2: its units and patches, against sorting all activations, and its tiles."""

import numpy as np
import pytest
from quick import drawn
from small_networks import maps_of

import zoo
from zoo.data import Preprocessing
from zoo.data.dataset import ArraySource
from zoo.visualize.methods.top_activations import top_activations
from zoo.visualize.methods.unit_choice import diverse_units
from zoo.visualize.network_and_images import (
    EvenlySpaced,
    ImageSet,
    TrainedNetwork,
    one_image_per_class,
)
from zoo.visualize.sheets.projection_sheets import projections_by_image, projections_by_unit
from zoo.weights import Weights

PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.2,))
NAMES = ("cat", "dog")
IMAGES, LABELS = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 1), np.uint8), np.arange(30) // 20
SOURCE = ArraySource(IMAGES, LABELS)
# A 5x5 tile is enlarged 14 times, and 3 pixels lie between two.
SIDE, GAP = 70, 3


@pytest.fixture(scope="module")
def network():
    variables = drawn(zoo.create_model("lenet5"), PREPROCESSING.image_shape)
    return TrainedNetwork(
        Weights(model="lenet5", variables=variables, preprocessing=PREPROCESSING), "lenet5, weights random"
    )


def tile(axes, index):
    """One of a mosaic's nine, as 5x5 grey values."""
    row, column = divmod(index, 3)
    top, left = row * (SIDE + GAP), column * (SIDE + GAP)
    return axes.get_images()[0].get_array()[top + 7 : top + SIDE : 14, left + 7 : left + SIDE : 14, 0]


def test_figure_2_shows_the_strongest_activations(network):
    image_set = ImageSet(SOURCE, "noise, 30 test images", class_names=NAMES)
    sheet = projections_by_unit(network, image_set, "c1", range(6), "deconvnet", batch_size=8)

    maps = np.asarray(maps_of(network.model, network.variables, network.normalized(IMAGES), "c1"))
    strongest = maps.max(axis=(1, 2))
    order = np.argsort(-strongest, axis=0)[:9]
    labels = [text.get_text() for text in sheet.figure.texts if text.get_text().startswith("unit ")]
    assert [int(label.split()[1]) for label in labels] == list(range(6))
    assert len(sheet.figure.axes) == 2 * 6
    for unit in range(6):
        best = order[:, unit]
        common = np.bincount(LABELS[best]).argmax()
        if strongest[best[0], unit] <= 0:
            assert labels[unit] == f"unit {unit}, never active"
            continue
        assert f"{strongest[best[0], unit]:.3g}" in labels[unit]
        assert f'{(LABELS[best] == common).sum()} of 9 are "{NAMES[common]}"' in labels[unit]
        for index, image in enumerate(best):
            row, column = np.unravel_index(maps[image, :, :, unit].argmax(), (28, 28))
            expected = IMAGES[image, row : row + 5, column : column + 5, 0] / 255
            np.testing.assert_allclose(tile(sheet.figure.axes[2 * unit + 1], index), expected)


def test_diverse_units_are_chosen_unless_units_are_named(network):
    image_set = ImageSet(SOURCE, "noise", class_names=NAMES)
    sheet = projections_by_unit(network, image_set, "c3", None, "deconvnet", batch_size=8)
    found = top_activations(network.model, network.variables, network.normalized(IMAGES), "c3")
    units = diverse_units(found.values, found.images, LABELS, 9)
    labels = [text.get_text() for text in sheet.figure.texts if text.get_text().startswith("unit ")]
    assert [int(label.split()[1]) for label in labels] == units.tolist()
    assert "similar to the fewest already chosen" in sheet.caption


def test_a_first_layers_projection_is_its_filter(network):
    """The transposed filter of one activation, for any image."""
    image_set = ImageSet(SOURCE, "noise")
    sheet = projections_by_unit(network, image_set, "c1", [2], "deconvnet", batch_size=8)
    kernel = np.asarray(network.variables["params"]["c1"]["conv"]["kernel"])[..., 0, 2]
    shown = tile(sheet.figure.axes[0], 4)
    inside = (shown > 0) & (shown < 1)
    scaled = (shown - 0.5)[inside] / kernel[inside]
    assert inside.sum() >= 23
    np.testing.assert_allclose(scaled, scaled[0], rtol=1e-4)


def test_there_are_no_patches_for_a_layer_that_sees_the_whole_image(network):
    image_set = ImageSet(EvenlySpaced(SOURCE, 2), "two", names=("a", "b"))
    whole, parts = (projections_by_image(network, image_set, layer, [0, 1], "guided") for layer in ("c5", "c1"))
    assert (len(whole.figure.axes), len(parts.figure.axes)) == (4, 6)
    assert "may depend on all of the image" in whole.caption and "in the numbered boxes" in parts.caption
    np.testing.assert_allclose(parts.figure.axes[0].get_images()[0].get_array()[..., 0], IMAGES[0, ..., 0] / 255)
    assert len(parts.figure.axes[0].patches) == 2 and not whole.figure.axes[0].patches


def test_some_images_are_evenly_chosen():
    assert [EvenlySpaced(SOURCE, 3)[i]["label"] for i in range(3)] == [0, 0, 1]
    np.testing.assert_array_equal(EvenlySpaced(SOURCE, 3)[2]["image"], IMAGES[20])
    assert len(EvenlySpaced(SOURCE, 99)) == 30 and EvenlySpaced(SOURCE, 99)[29]["label"] == 1


def test_one_image_of_each_class():
    found = one_image_per_class(SOURCE, "noise", NAMES, 5)
    assert found.names == ("image 0: cat", "image 20: dog") and len(found) == 2
    assert one_image_per_class(SOURCE, "noise", NAMES, 1).names == ("image 0: cat",)
