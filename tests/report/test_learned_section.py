"""What the section shows of a network, against NumPy written plainly and against `zoo.visualize`'s own arrays."""

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
from zoo.report.learned.batched_projection import Group, projected
from zoo.report.learned.dead_units import in_words, silence
from zoo.report.learned.learned import learned_part
from zoo.visualize.methods.deconvnet import deconvnet
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork, no_progress_bar
from zoo.weights import Weights

pytestmark = pytest.mark.usefixtures("tiny")

NAMES = ("cat", "dog", "<script>alert(1)</script>")
SEEN = Preprocessing(image_shape=(24, 24, 1), mean=(0.4,), std=(0.2,))
RANDOM = np.random.default_rng(0)
# Large blocks, that excite units unlike.
IMAGES = RANDOM.integers(0, 256, (40, 4, 4, 1), np.uint8).repeat(6, axis=1).repeat(6, axis=2)
LABELS = np.arange(40) % 3
SOURCE = ArraySource(IMAGES, LABELS)
KILLED = {"conv1": [2, 3, 7], "conv2": [5]}


@pytest.fixture(scope="module")
def subject(tiny):
    """Units that are killed have a bias so low that no image reaches zero."""
    variables = drawn(zoo.create_model("tiny", num_classes=3), SEEN.image_shape)
    for layer, units in KILLED.items():
        bias = variables["params"][layer]["bn"]["bias"] = np.array(variables["params"][layer]["bn"]["bias"])
        bias[units] = -1e4
    weights = Weights(
        model="tiny", variables=variables, preprocessing=SEEN, fields={"num_classes": 3}, class_names=NAMES
    )
    return TrainedNetwork(weights, "tiny, weights random")


@pytest.fixture(scope="module")
def learned(subject):
    return learned_part(subject, ImageSet(SOURCE, "blocks, 40 test images", class_names=NAMES), batch_size=16)


@pytest.fixture(scope="module")
def section(learned):
    return rendered("learned.html.j2", learned=learned)


@pytest.fixture(scope="module")
def maps(subject):
    """{layer: [image, row, column, unit]} of all images, and the logits."""
    made = zoo.features(subject.model, subject.variables, SEEN.normalized(IMAGES), ["conv1", "conv2", "classifier"])
    return {name: np.asarray(value) for name, value in made.items()}


def test_the_units_that_were_killed_are_dead(learned, maps):
    for layer, name in zip(learned.silence.layers, ("conv1", "conv2"), strict=True):
        active = (maps[name].max(axis=(1, 2)) > 0).sum(axis=0)
        dead = np.flatnonzero(active == 0).tolist()
        assert set(KILLED[name]) <= set(dead) and len(dead) < layer.units
        assert (layer.name, layer.units, layer.dead) == (name, maps[name].shape[-1], len(dead))
        assert layer.median == np.median(active) / 40
        assert {int(n) for run in layer.named.split(", ") for n in _run(run)} == set(dead)
    assert learned.silence.images == 40


def _run(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def test_they_are_named_in_a_table(learned, section):
    head, *rows = section.tables[0]
    assert head == ["layer", "units", "never active", "median unit active", "which"]
    for row, layer in zip(rows, learned.silence.layers, strict=True):
        assert row[:2] == [layer.name, str(layer.units)] and row[4] == layer.named
        assert row[2] == f"{layer.dead} {layer.dead / layer.units:.1%}"
    assert f"Of 24 units in 2 layers with an activation, {learned.silence.dead} (" in section.text
    assert "Of so few images that says little of the network" in section.text


def test_what_it_says_of_images_are_the_softmax_of_its_logits(learned, maps):
    shares = np.exp(maps["classifier"]) / np.exp(maps["classifier"]).sum(axis=1, keepdims=True)
    # The first image of each class, by `one_image_per_class`.
    for image, said in enumerate(learned.said):
        order = np.argsort(-shares[image])
        assert said.truth == NAMES[image] and [bar.class_name for bar in said.bars] == [NAMES[i] for i in order]
        np.testing.assert_allclose([bar.probability for bar in said.bars], shares[image][order], rtol=1e-4)
        assert said.right == (order[0] == image)
        np.testing.assert_array_equal(pixels(said.raster.uri), IMAGES[image, ..., 0])
    assert len(learned.said) == 3


def test_answers_are_of_all_images(learned, maps):
    np.testing.assert_array_equal(learned.answers.labels, LABELS)
    np.testing.assert_array_equal(learned.answers.classes, np.argsort(-maps["classifier"], axis=1))


def test_the_first_filters_are_the_kernel(learned, subject):
    kernel = np.asarray(subject.variables["params"]["conv1"]["conv"]["kernel"])
    shown = pixels(learned.filters.raster.uri)
    assert shown.shape == (3, 8 * 4 - 1, 2) and learned.filters.layer == "conv1/conv"
    for unit in range(8):
        tile, one = shown[:, unit * 4 : unit * 4 + 3], kernel[..., 0, unit]
        np.testing.assert_allclose(tile[..., 0], 255 * (0.5 + 0.5 * one / abs(one).max()), atol=0.51)
        assert (tile[..., 1] == 255).all()
    assert (shown[:, 3::4, 1] == 0).all()


def test_maps_are_a_stages_most_active_units_on_one_scale(learned, maps):
    for stage in learned.passage.stages:
        own = maps[stage.layer][0]
        strongest = own.max(axis=(0, 1))
        units = [unit for unit in np.argsort(-strongest, kind="stable")[:12] if strongest[unit] > 0]
        assert [one.unit for one in stage.maps] == units and stage.shape == own.shape
        assert stage.high == pytest.approx(strongest.max(), rel=1e-5)
        # The lightest place of the lightest map is yellow, and the killed units are not shown.
        brightest = pixels(stage.maps[0].raster.uri).reshape(-1, 3)[own[..., units[0]].argmax()]
        np.testing.assert_array_equal(brightest, (253, 231, 37))


def test_projections_are_of_the_images_that_excite_a_unit_most(learned, maps):
    sheet = learned.projections.sheets[0]
    strongest = maps["conv1"].max(axis=(1, 2))
    top = -np.sort(-strongest, axis=0)[:9]
    units = [int(group.label.split()[1]) for group in sheet.pairs]
    # All that are active, as there are fewer than nine, the most active first and then for variety.
    assert units[0] == top.mean(axis=0).argmax() and set(units) == set(np.flatnonzero(top.mean(axis=0) > 0))
    for group, unit in zip(sheet.pairs, units, strict=True):
        image = strongest[:, unit].argmax()
        row, column = np.unravel_index(maps["conv1"][image, ..., unit].argmax(), (24, 24))
        around = np.pad(IMAGES[image, ..., 0], 1)[row : row + 3, column : column + 3]
        inside = np.pad(np.full((24, 24), 255), 1)[row : row + 3, column : column + 3]
        # 3x3 pixels are enlarged ten times.
        tile = pixels(group.patches.uri)[5:30:10, 5:30:10]
        np.testing.assert_array_equal(tile[..., 0], around)
        np.testing.assert_array_equal(tile[..., 1], inside)


def test_all_layers_at_once_are_each_by_itself(subject, maps):
    """As `zoo.visualize.deconvnet` projects one layer; a place of the larger map is beyond the smaller one."""
    chosen = {"conv1": ([0, 1], [1, 4]), "conv2": ([2, 3], [0, 9])}
    groups = []
    for layer, (images, units) in chosen.items():
        of_units = maps[layer][images, ..., units]
        places = np.stack([np.unravel_index(one.argmax(), one.shape) for one in of_units])
        groups.append(Group(layer, "", IMAGES[images], np.array(units), places, np.zeros((2, 4))))
    assert groups[0].places.max() >= maps["conv2"].shape[1]
    for rule in ("deconvnet", "guided"):
        for group, down in zip(groups, projected(subject, groups, rule, track=no_progress_bar), strict=True):
            given = SEEN.normalized(group.images)
            expected = deconvnet(
                subject.model, subject.variables, given, group.layer, group.units, rule=rule, position=group.places
            )
            np.testing.assert_allclose(down, expected.pixels, atol=1e-6)
            assert down.any()


def test_all_images_say_what_they_show_and_are_within_the_page(section):
    assert section.images and all(image["alt"] and image["src"].startswith("data:image/") for image in section.images)
    assert all(int(image["width"]) > 0 and int(image["height"]) > 0 for image in section.images)


def test_names_are_text(section):
    assert "script" not in section.tags
    assert "<script>alert(1)</script>" in section.text


def test_without_images_there_are_the_filters(subject):
    part = learned_part(subject, None)
    section = rendered("learned.html.j2", learned=part)
    assert len(section.images) == 1 and not section.tables and part.answers is None


def test_few_photographs_are_shown_each(subject, maps, monkeypatch):
    """Layers are in the registry's order."""
    monkeypatch.setitem(registry._REGISTRY, "tiny", replace(INFO, stages=("conv2", "conv1")))
    photographs = ImageSet(ArraySource(IMAGES[:2], np.full(2, -1)), "a.png, b.png", names=("a.png", "<b>.png"))
    part = learned_part(subject, photographs)
    assert [said.name for said in part.said] == ["a.png", "<b>.png"] and {said.truth for said in part.said} == {""}
    assert [stage.layer for stage in part.passage.stages] == ["conv2", "conv1"]
    assert [sheet.layer for sheet in part.projections.sheets] == ["conv2", "conv1"]
    assert part.silence is part.answers is None
    first, second = part.projections.sheets[1].pairs
    name, _, units = first.label.partition(" · units ")
    assert name == "a.png" and second.label.startswith("<b>.png")
    # All that are active, the most active first and then those whose places are apart.
    strongest = maps["conv1"][0].max(axis=(0, 1))
    assert set(map(int, units.split(", "))) == set(np.flatnonzero(strongest > 0))
    assert int(units.split(",")[0]) == strongest.argmax()
    section = rendered("learned.html.j2", learned=part)
    assert "b" in section.tags and "<b>.png" in section.text  # the former is of a probability


def test_a_photograph_that_is_seen_whole_is_shown_once(subject):
    """Of 8x8 pixels a place of conv2 sees all."""
    small = replace(SEEN, image_shape=(8, 8, 1))
    photograph = ImageSet(ArraySource(IMAGES[:1], np.full(1, -1)), "a.png", names=("a.png",))
    part = learned_part(TrainedNetwork(replace(subject.weights, preprocessing=small), "tiny"), photograph)
    cut, whole = part.projections.sheets
    assert (cut.whole, whole.whole) == (False, True)
    np.testing.assert_array_equal(pixels(whole.pairs[0].patches.uri), small.fitted(IMAGES[0])[..., 0])
    assert pixels(whole.pairs[0].projections.uri).shape[0] > 3 * 8


def test_a_network_that_names_no_stages_has_no_sheets(subject, monkeypatch):
    monkeypatch.setitem(registry._REGISTRY, "tiny", replace(INFO, stages=()))
    part = learned_part(subject, ImageSet(SOURCE, "blocks"))
    assert part.passage is part.projections is None and part.said and part.silence.dead
    rendered("learned.html.j2", learned=part)


def test_labels_of_other_classes_are_not_believed(subject):
    others = ImageSet(SOURCE, "others", class_names=("ant", "bee", "cow"))
    found = learned_part(subject, others)
    assert {said.truth for said in found.said} == {""}
    said = "Nothing here is called right or wrong"
    assert said in rendered("learned.html.j2", learned=found).text
    assert said not in rendered("learned.html.j2", learned=replace(found, unjudged=False)).text


def test_a_network_whose_activations_are_never_off_has_no_dead_units(learned):
    section = rendered("learned.html.j2", learned=replace(learned, silence=silence((), 40)))
    assert "no unit can be dead" in section.text and not section.tables


def test_runs_of_units_are_joined_and_many_are_counted():
    assert in_words([]) == "" and in_words([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert in_words(range(0, 20, 2), most=3) == "0, 2, 4 and 7 more"
