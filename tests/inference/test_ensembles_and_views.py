"""Averages over networks and views, parts of ImageNet's classes, ReaL labels and calibration."""

import json
from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image
from quick import drawn

import zoo
from zoo.data import Dataset, Preprocessing
from zoo.data.dataset import ArraySource
from zoo.data.views import googlenet_boxes, split_views, stacked_views, ten_boxes
from zoo.inference.calibration import calibration_bins, expected_calibration_error
from zoo.inference.class_outputs import class_outputs, imagenet_ids
from zoo.inference.evaluation import evaluate, split_source
from zoo.inference.real_labels import read_real_labels, real_accuracy, validation_numbers
from zoo.weights import Weights

GENERATOR = np.random.default_rng(0)
PREPROCESSING = Preprocessing(image_shape=(16, 16, 3), mean=(0.4,) * 3, std=(0.2,) * 3)
NAMES = tuple("abcdefg")


def weights_of(seed, names=NAMES, preprocessing=PREPROCESSING):
    network = zoo.create_model("lenet5", num_classes=len(names))
    variables = jax.tree.map(lambda leaf: leaf * (1 + seed), drawn(network, preprocessing.image_shape))
    return Weights(
        model="lenet5",
        variables=variables,
        preprocessing=preprocessing,
        fields={"num_classes": len(names)},
        class_names=names,
    )


IMAGES = GENERATOR.integers(0, 256, (24, 5, 6, 3), np.uint8).repeat(5, axis=1).repeat(5, axis=2)
LABELS = GENERATOR.integers(0, 7, 24)
DATASET = Dataset("blocks", ArraySource(IMAGES[:8], LABELS[:8]), ArraySource(IMAGES, LABELS), NAMES, (25, 30, 3))


def probabilities(weights, images):
    logits = weights.network().apply(weights.variables, weights.preprocessing.normalized(images))
    return np.asarray(jax.nn.softmax(logits))


@pytest.mark.parametrize("views", [pytest.param(2, marks=pytest.mark.slow), 10])
def test_probabilities_of_networks_and_views_are_averaged(views):
    networks = [weights_of(0), weights_of(0.5), weights_of(0, preprocessing=replace(PREPROCESSING, crop=0.8))]
    expected = []
    for weights in networks:
        stacked = stacked_views(weights.preprocessing, views)
        images = np.stack([stacked.fitted(image) for image in IMAGES])
        expected += [probabilities(weights, view) for view in split_views(images, (16, 16, 3), views)]
    assert len(expected) == 3 * views
    mean = np.mean(expected, 0)
    result = evaluate(networks, DATASET, views=views, batch_size=8)
    np.testing.assert_array_equal(result.correct, mean.argmax(1) == LABELS)
    np.testing.assert_allclose(result.confidence, mean.max(1), rtol=1e-4)
    assert result.top5_accuracy == pytest.approx((np.argsort(-mean)[:, :5] == LABELS[:, None]).any(1).mean())
    assert (result.networks, result.views, result.images) == (3, views, 24) and result.images_per_second > 0


def test_all_images_of_a_data_set():
    joined = split_source(DATASET, "all")
    assert [len(split_source(DATASET, split)) for split in ("train", "test", "all")] == [8, 24, 32]
    np.testing.assert_array_equal(joined.labels, [*LABELS[:8], *LABELS])
    np.testing.assert_array_equal(joined[7]["image"], IMAGES[7])
    np.testing.assert_array_equal(joined[8]["image"], IMAGES[0])
    assert joined.files is None and split_source(replace(DATASET, train=Named(2), test=Named(3)), "all").files[4]


def test_ten_crops_are_the_corners_and_the_centre_of_the_central_square():
    boxes = ten_boxes(height=300, width=512, size=224, crop=1.0)
    unit = 300 / 256
    expected = [(0, 0), (0, 32), (32, 0), (32, 32), (16, 16)]
    for box, (top, left) in zip(boxes, expected, strict=True):
        np.testing.assert_allclose(box, (top * unit, 106 + left * unit, 224 * unit, 224 * unit), atol=1e-9)
    assert ten_boxes(256, 256, 224, 0.5)[3].top == pytest.approx(224 * 256 / 448)


def test_ten_crops_of_a_squashed_image_are_of_all_of_it():
    squashed = replace(PREPROCESSING, fit="squash", crop=0.8)
    image = IMAGES[0]
    crops = split_views(stacked_views(squashed, 10).fitted(image)[None], (16, 16, 3), 10)
    corner = (0.2 * 30, 0, 30, 0.8 * 25)  # the upper right one: left, upper, right and lower side
    expected = Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR, corner)
    np.testing.assert_array_equal(crops[2][0], np.asarray(expected))
    with pytest.raises(zoo.data.DataError, match="144 crops"):
        stacked_views(squashed, 144)


def test_144_crops_are_googlenets():
    boxes = googlenet_boxes(height=600, width=400, size=224)
    assert len(boxes) == 72
    whole = [box for box in boxes if box.height == 400]
    assert sorted({box.top for box in whole}) == [0, 100, 200] and len(whole) == 12
    # Of the smallest scale a crop has 224/256 of the square, of the largest 224/352.
    assert {round(box.height / 400, 4) for box in boxes} == {
        1,
        *(round(224 / side, 4) for side in (256, 288, 320, 352)),
    }
    for box in boxes:
        assert box.top >= 0 and box.left >= 0 and box.left + box.width <= 400.001 and box.top + box.height <= 600.001
    stacked = stacked_views(PREPROCESSING, 144)
    image = np.asarray(Image.fromarray(IMAGES[0]).resize((40, 60)))
    views = split_views(stacked.fitted(image)[None], (16, 16, 3), 144)
    assert len(views) == 144
    np.testing.assert_array_equal(views[1], views[0][:, :, ::-1])
    # The fifth crop's square is the centre, the sixth the whole left or upper square.
    square = np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR, (0, 0, 40, 40)))
    np.testing.assert_array_equal(views[10][0], square)


def test_views_that_cannot_be_are_one_line():
    with pytest.raises(zoo.ZooError, match="views is 3"):
        evaluate(weights_of(0), DATASET, views=3)
    padded = replace(weights_of(0), preprocessing=replace(PREPROCESSING, fit="pad"))
    with pytest.raises(zoo.ZooError, match="10 crops"):
        evaluate(padded, DATASET, views=10)
    with pytest.raises(zoo.ZooError, match="split is 'val'"):
        evaluate(padded, DATASET, split="val")
    with pytest.raises(zoo.ZooError, match="no weights"):
        evaluate([], DATASET)


def test_the_identifiers_are_those_of_tfds():
    from tensorflow_datasets.core.utils.resource_utils import tfds_path

    known = (tfds_path("image_classification") / "imagenet_resized_labels.txt").read_text().split()
    assert imagenet_ids() == tuple(sorted(known)) and len(imagenet_ids()) == 1000
    assert imagenet_ids()[0] == "n01440764" and imagenet_ids()[999] == "n15075141"


class Thousand:
    """Weights of ImageNet's classes, whose names are words."""

    model, dataset, class_names = "thousand", "imagenet2012", ("tench", "goldfish", *map(str, range(998)))
    network = staticmethod(lambda **_: replace(zoo.create_model("lenet5"), num_classes=1000))


def of_classes(*names):
    return replace(DATASET, class_names=names)


def test_a_part_of_imagenets_classes_has_its_outputs():
    chosen = [7, 999, 0]
    names, outputs = class_outputs(Thousand(), of_classes(*(imagenet_ids()[index] for index in chosen)))
    assert outputs == tuple(chosen) and names == ("5", "997", "tench")
    assert class_outputs(Thousand(), of_classes(*imagenet_ids()))[1] == tuple(range(1000))
    with pytest.raises(zoo.ZooError, match="n99999999, which is none of the 1,000"):
        class_outputs(Thousand(), of_classes("n01440764", "n99999999"))


def test_other_outputs_do_not_count():
    ids = tuple(f"n0000000{index}" for index in range(7))
    weights, kept = weights_of(0, names=ids), [4, 1]
    rows = np.isin(LABELS, kept)
    labels = np.array([kept.index(label) for label in LABELS[rows]])
    part = Dataset("part", DATASET.train, ArraySource(IMAGES[rows], labels), tuple(ids[i] for i in kept), (25, 30, 3))
    result = evaluate(weights, part)
    fitted = np.stack([PREPROCESSING.fitted(image) for image in IMAGES[rows]])
    expected = probabilities(weights, fitted)[:, kept]
    np.testing.assert_array_equal(result.correct, expected.argmax(1) == labels)
    np.testing.assert_allclose(result.confidence, (expected / expected.sum(1, keepdims=True)).max(1), rtol=1e-5)
    assert result.class_names == part.class_names and result.confusion.shape == (2, 2)


class Named:
    """Images with the names of ImageNet's validation images, from the last to the first."""

    def __init__(self, count):
        self.files = tuple(f"x/ILSVRC2012_val_{number + 1:08}.JPEG" for number in reversed(range(count)))
        self.labels = tuple(LABELS[:count].tolist())

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        if index == 2:
            raise zoo.data.DataError("image 2 cannot be read")
        return {"image": IMAGES[index], "label": self.labels[index]}


def test_real_labels_follow_the_names_also_where_images_are_left_out():
    source, weights = Named(6), weights_of(0)
    dataset = replace(DATASET, test=source)
    fitted = np.stack([PREPROCESSING.fitted(image) for image in IMAGES[:6]])
    predicted = probabilities(weights, fitted).argmax(1)
    # By number: image 5 - i of the source. One is without labels, one wrong.
    real = [[int(predicted[5 - number]), 3] for number in range(6)]
    real[0], real[1] = [], [int(predicted[4] + 1) % 7]
    unreadable = zoo.data.UnreadableImages(1)
    result = evaluate(weights, dataset, real_labels=real, unreadable=unreadable)
    assert result.images == 5 and result.real.images == 4
    assert result.real.accuracy == pytest.approx(3 / 4)
    kept = [0, 1, 3, 4, 5]
    assert result.top1_accuracy == pytest.approx((predicted[kept] == LABELS[kept]).mean())


def test_real_labels_of_a_file(tmp_path):
    path = tmp_path / "real.json"
    path.write_text("[[], [970, 795], [230]]")
    labels = read_real_labels(path)
    assert labels == ((), (970, 795), (230,))
    result = real_accuracy(np.array([1, 795, 231]), np.array([0, 1, 2]), labels)
    assert (result.accuracy, result.images) == (0.5, 2)
    np.testing.assert_array_equal(validation_numbers(Named(3), labels), [2, 1, 0])
    # Of nine digits the first eight would be another image's number.
    with pytest.raises(zoo.ZooError, match="ILSVRC2012_val_000000021"):
        validation_numbers(SimpleNamespace(files=("ILSVRC2012_val_000000021.JPEG",)), labels)
    with pytest.raises(zoo.ZooError, match="none of the images"):
        real_accuracy(np.array([1]), np.array([0]), labels)
    with pytest.raises(zoo.ZooError, match="ReaL labels of 3 images"):
        validation_numbers(Named(4), labels)
    for text in ("[[1000]]", "[[-1]]", "[]", '{"a": 1}', "[1]", "nothing"):
        path.write_text(text)
        with pytest.raises(zoo.ZooError, match=r"real\.json"):
            read_real_labels(path)


def test_calibration_by_hand():
    confidence = np.array([0.95, 0.91, 0.3, 0.2, 0.1])
    correct = np.array([True, False, True, False, False])
    bins = calibration_bins(confidence, correct, bins=10)
    assert [one.images for one in bins] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[9].confidence, bins[9].accuracy) == (pytest.approx(0.93), 0.5)
    expected = (2 * abs(0.5 - 0.93) + abs(1 - 0.3) + 0.2 + 0.1) / 5
    assert expected_calibration_error(bins) == pytest.approx(expected)
    assert expected_calibration_error(calibration_bins(np.zeros(0), np.zeros(0, bool))) == 0
    ones = calibration_bins(np.array([0.0, 1.0]), np.array([False, True]))
    assert (ones[0].images, ones[-1].images) == (1, 1) and json.dumps(expected_calibration_error(ones)) == "0.0"
