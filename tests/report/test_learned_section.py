"""The section about what was learned, compared with plain NumPy and with the arrays of `zoo.visualize`."""

from dataclasses import replace

import numpy as np
import pytest
from quick import drawn
from sections import pixels, rendered
from tiny import INFO

import zoo
from zoo import registry
from zoo.data import Preprocessing
from zoo.data.dataset import ArraySource
from zoo.report.learned.batched_projection import ActivationGroup, project_groups
from zoo.report.learned.dead_units import find_dead_units, format_ranges
from zoo.report.learned.learned_section import learned_section
from zoo.visualize.methods.deconvnet import deconvnet
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork, no_progress_bar
from zoo.weights import Weights

pytestmark = pytest.mark.usefixtures("tiny")

NAMES = ("cat", "dog", "<script>alert(1)</script>")
PREPROCESSING = Preprocessing(image_shape=(24, 24, 1), mean=(0.4,), std=(0.2,))
RANDOM = np.random.default_rng(0)
# Large blocks activate units differently.
IMAGES = RANDOM.integers(0, 256, (40, 4, 4, 1), np.uint8).repeat(6, axis=1).repeat(6, axis=2)
LABELS = np.arange(40) % 3
SOURCE = ArraySource(IMAGES, LABELS)
DEAD = {"conv1": [2, 3, 7], "conv2": [5]}


@pytest.fixture(scope="module")
def trained(tiny):
    """The DEAD units have a bias so low that no image activates them."""
    variables = drawn(zoo.create_model("tiny", num_classes=3), PREPROCESSING.image_shape)
    for layer, units in DEAD.items():
        bias = variables["params"][layer]["bn"]["bias"] = np.array(variables["params"][layer]["bn"]["bias"])
        bias[units] = -1e4
    weights = Weights(
        model="tiny", variables=variables, preprocessing=PREPROCESSING, fields={"num_classes": 3}, class_names=NAMES
    )
    return TrainedNetwork(weights, "tiny, weights random")


@pytest.fixture(scope="module")
def learned(trained):
    return learned_section(trained, ImageSet(SOURCE, "blocks, 40 test images", class_names=NAMES), batch_size=16)


@pytest.fixture(scope="module")
def section(learned):
    return rendered("learned/learned.html.j2", learned=learned)


@pytest.fixture(scope="module")
def maps(trained):
    """{layer: [image, row, column, unit]} of all images, and the logits."""
    made = zoo.features(
        trained.model, trained.variables, PREPROCESSING.normalized(IMAGES), ["conv1", "conv2", "classifier"]
    )
    return {name: np.asarray(value) for name, value in made.items()}


def test_the_units_with_a_very_low_bias_are_dead(learned, maps):
    for layer, name in zip(learned.dead_units.layers, ("conv1", "conv2"), strict=True):
        active = (maps[name].max(axis=(1, 2)) > 0).sum(axis=0)
        dead = np.flatnonzero(active == 0).tolist()
        assert set(DEAD[name]) <= set(dead) and len(dead) < layer.units
        assert (layer.name, layer.units, layer.dead) == (name, maps[name].shape[-1], len(dead))
        assert layer.median == np.median(active) / 40
        assert {int(n) for one in layer.dead_ranges.split(", ") for n in _range(one)} == set(dead)
    assert learned.dead_units.images == 40


def _range(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def test_dead_units_are_listed_in_a_table(learned, section):
    head, *rows = section.tables[0]
    assert head == ["layer", "units", "never active", "median unit active", "numbers of the units"]
    for row, layer in zip(rows, learned.dead_units.layers, strict=True):
        assert row[:2] == [layer.name, str(layer.units)] and row[4] == layer.dead_ranges
        assert row[2] == f"{layer.dead} {layer.dead / layer.units:.1%}"
    assert f"{learned.dead_units.dead} of 24 units (" in section.text
    assert "These are few images" in section.text


def test_predictions_are_the_softmax_of_the_logits(learned, maps):
    shares = np.exp(maps["classifier"]) / np.exp(maps["classifier"]).sum(axis=1, keepdims=True)
    # The first image of each class, by `one_image_per_class`.
    for image, example in enumerate(learned.examples):
        order = np.argsort(-shares[image])
        assert example.true_class == NAMES[image]
        assert [one.class_name for one in example.classes] == [NAMES[i] for i in order]
        np.testing.assert_allclose([one.probability for one in example.classes], shares[image][order], rtol=1e-4)
        assert example.is_correct == (order[0] == image)
        np.testing.assert_array_equal(pixels(example.image.uri), IMAGES[image, ..., 0])
    assert len(learned.examples) == 3


def test_predictions_are_of_all_images(learned, maps):
    np.testing.assert_array_equal(learned.predictions.labels, LABELS)
    np.testing.assert_array_equal(learned.predictions.classes, np.argsort(-maps["classifier"], axis=1))


def test_the_first_filters_are_the_kernel(learned, trained):
    kernel = np.asarray(trained.variables["params"]["conv1"]["conv"]["kernel"])
    shown = pixels(learned.filters.image.uri)
    assert shown.shape == (3, 8 * 4 - 1, 2) and learned.filters.layer == "conv1/conv"
    for unit in range(8):
        tile, one = shown[:, unit * 4 : unit * 4 + 3], kernel[..., 0, unit]
        np.testing.assert_allclose(tile[..., 0], 255 * (0.5 + 0.5 * one / abs(one).max()), atol=0.51)
        assert (tile[..., 1] == 255).all()
    assert (shown[:, 3::4, 1] == 0).all()


def test_maps_are_a_layers_most_active_units_on_one_scale(learned, maps):
    for layer in learned.feature_maps.layers:
        own = maps[layer.layer][0]
        strongest = own.max(axis=(0, 1))
        units = [unit for unit in np.argsort(-strongest, kind="stable")[:12] if strongest[unit] > 0]
        assert [one.unit for one in layer.maps] == units and layer.shape == own.shape
        assert layer.high == pytest.approx(strongest.max(), rel=1e-5)
        # The largest value of the first map is yellow.
        brightest = pixels(layer.maps[0].image.uri).reshape(-1, 3)[own[..., units[0]].argmax()]
        np.testing.assert_array_equal(brightest, (253, 231, 37))


def test_projections_are_of_the_images_with_the_strongest_activations(learned, maps):
    layer = learned.projections.layers[0]
    strongest = maps["conv1"].max(axis=(1, 2))
    top = -np.sort(-strongest, axis=0)[:9]
    units = [int(group.label.split()[1]) for group in layer.pairs]
    # All active units, as there are fewer than nine, the most active first.
    assert units[0] == top.mean(axis=0).argmax() and set(units) == set(np.flatnonzero(top.mean(axis=0) > 0))
    for group, unit in zip(layer.pairs, units, strict=True):
        image = strongest[:, unit].argmax()
        row, column = np.unravel_index(maps["conv1"][image, ..., unit].argmax(), (24, 24))
        around = np.pad(IMAGES[image, ..., 0], 1)[row : row + 3, column : column + 3]
        inside = np.pad(np.full((24, 24), 255), 1)[row : row + 3, column : column + 3]
        # 3x3 pixels are enlarged ten times.
        tile = pixels(group.patches.uri)[5:30:10, 5:30:10]
        np.testing.assert_array_equal(tile[..., 0], around)
        np.testing.assert_array_equal(tile[..., 1], inside)


def test_layers_projected_together_equal_layers_projected_alone(trained, maps):
    """As `zoo.visualize.deconvnet` projects one layer; a position of the larger map is outside the smaller one."""
    chosen = {"conv1": ([0, 1], [1, 4]), "conv2": ([2, 3], [0, 9])}
    groups = []
    for layer, (images, units) in chosen.items():
        of_units = maps[layer][images, ..., units]
        positions = np.stack([np.unravel_index(one.argmax(), one.shape) for one in of_units])
        groups.append(ActivationGroup(layer, "", IMAGES[images], np.array(units), positions, np.zeros((2, 4))))
    assert groups[0].positions.max() >= maps["conv2"].shape[1]
    for rule in ("deconvnet", "guided"):
        for group, down in zip(
            groups, project_groups(trained, groups, rule, progress_bar=no_progress_bar), strict=True
        ):
            given = PREPROCESSING.normalized(group.images)
            expected = deconvnet(
                trained.model, trained.variables, given, group.layer, group.units, rule=rule, position=group.positions
            )
            np.testing.assert_allclose(down, expected.pixels, atol=1e-6)
            assert down.any()


def test_all_images_say_what_they_show_and_are_within_the_page(section):
    assert section.images and all(image["alt"] and image["src"].startswith("data:image/") for image in section.images)
    assert all(int(image["width"]) > 0 and int(image["height"]) > 0 for image in section.images)


def test_names_are_escaped(section):
    assert "script" not in section.tags
    assert "<script>alert(1)</script>" in section.text


def test_without_images_only_filters_are_shown(trained):
    part = learned_section(trained, None)
    section = rendered("learned/learned.html.j2", learned=part)
    assert len(section.images) == 1 and not section.tables and part.predictions is None


def test_of_few_photographs_each_is_shown(trained, maps, monkeypatch):
    """Layers are in the registry's order."""
    monkeypatch.setitem(registry._REGISTRY, "tiny", replace(INFO, stages=("conv2", "conv1")))
    photographs = ImageSet(ArraySource(IMAGES[:2], np.full(2, -1)), "a.png, b.png", names=("a.png", "<b>.png"))
    part = learned_section(trained, photographs)
    assert [example.name for example in part.examples] == ["a.png", "<b>.png"]
    assert {example.true_class for example in part.examples} == {""}
    assert [layer.layer for layer in part.feature_maps.layers] == ["conv2", "conv1"]
    assert [layer.layer for layer in part.projections.layers] == ["conv2", "conv1"]
    assert part.dead_units is part.predictions is None
    first, second = part.projections.layers[1].pairs
    name, _, units = first.label.partition(" · units ")
    assert name == "a.png" and second.label.startswith("<b>.png")
    # All active units, the most active first.
    strongest = maps["conv1"][0].max(axis=(0, 1))
    assert set(map(int, units.split(", "))) == set(np.flatnonzero(strongest > 0))
    assert int(units.split(",")[0]) == strongest.argmax()
    section = rendered("learned/learned.html.j2", learned=part)
    assert "b" in section.tags and "<b>.png" in section.text  # the tag is that of a probability


def test_a_whole_photograph_is_shown_once(trained):
    """The receptive field of conv2 covers all 8x8 pixels."""
    small = replace(PREPROCESSING, image_shape=(8, 8, 1))
    photograph = ImageSet(ArraySource(IMAGES[:1], np.full(1, -1)), "a.png", names=("a.png",))
    part = learned_section(TrainedNetwork(replace(trained.weights, preprocessing=small), "tiny"), photograph)
    cut, whole = part.projections.layers
    assert (cut.whole, whole.whole) == (False, True)
    np.testing.assert_array_equal(pixels(whole.pairs[0].patches.uri), small.fitted(IMAGES[0])[..., 0])
    assert pixels(whole.pairs[0].projections.uri).shape[0] > 3 * 8


def test_a_network_that_names_no_stages_shows_its_last_layer_at_each_resolution(trained, monkeypatch):
    monkeypatch.setitem(registry._REGISTRY, "tiny", replace(INFO, stages=()))
    part = learned_section(trained, ImageSet(SOURCE, "blocks"))
    assert [layer.layer for layer in part.feature_maps.layers] == ["conv1", "conv2"]


def test_a_network_without_feature_maps_shows_what_else_it_has_learned(trained, monkeypatch):
    monkeypatch.setitem(registry._REGISTRY, "tiny", replace(INFO, stages=("classifier",)))
    part = learned_section(trained, ImageSet(SOURCE, "blocks"))
    assert part.feature_maps is part.projections is None and part.examples and part.dead_units.dead
    rendered("learned/learned.html.j2", learned=part)


def test_unknown_labels_are_not_used(trained):
    others = ImageSet(SOURCE, "others", class_names=("ant", "bee", "cow"))
    found = learned_section(trained, others)
    assert {example.true_class for example in found.examples} == {""}
    notice = "Correct and wrong predictions are not marked here"
    assert notice in rendered("learned/learned.html.j2", learned=found).text
    assert notice not in rendered("learned/learned.html.j2", learned=replace(found, unknown_labels=False)).text


def test_a_network_whose_activations_are_never_off_has_no_dead_units(learned):
    section = rendered("learned/learned.html.j2", learned=replace(learned, dead_units=find_dead_units((), 40)))
    assert "no unit can be dead" in section.text and not section.tables


def test_unit_numbers_are_listed_as_ranges():
    assert format_ranges([]) == "" and format_ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert format_ranges(range(0, 20, 2), max_ranges=3) == "0, 2, 4 and 7 more"
