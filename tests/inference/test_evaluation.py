"""`evaluate` against scikit-learn, of the logits of all images at once."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from quick import drawn
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score, top_k_accuracy_score

import zoo
from zoo.data import Dataset, Preprocessing
from zoo.data.dataset import ArraySource
from zoo.inference.evaluation import evaluate
from zoo.inference.evaluation_result import Evaluation
from zoo.weights import Weights

NAMES = tuple("abcdefg")
NETWORK = zoo.create_model("lenet5", num_classes=7)
PREPROCESSING = Preprocessing(image_shape=(16, 16, 1), mean=(0.4,), std=(0.2,))
WEIGHTS = Weights(
    model="lenet5",
    variables=drawn(NETWORK, PREPROCESSING.image_shape),
    preprocessing=PREPROCESSING,
    fields={"num_classes": 7},
    class_names=NAMES,
)


def coarse(count):
    """Images that differ enough for all classes to be named: large blocks of noise."""
    blocks = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 1), np.uint8)
    return blocks.repeat(4, axis=1).repeat(4, axis=2)


IMAGES, LABELS = coarse(203), np.random.default_rng(1).integers(0, 6, 203)  # none of the last class
DATASET = Dataset("blocks", ArraySource(IMAGES, LABELS), ArraySource(IMAGES, LABELS), NAMES, (16, 16, 1))


@pytest.fixture(scope="module")
def logits():
    return np.asarray(jax.jit(NETWORK.apply)(WEIGHTS.variables, PREPROCESSING.normalized(IMAGES)))


@pytest.fixture(scope="module")
def result():
    return evaluate(WEIGHTS, DATASET, batch_size=64)


def test_accuracies_are_scikit_learns(logits, result):
    assert result.images == 203
    assert result.top1_accuracy == pytest.approx(accuracy_score(LABELS, logits.argmax(1)))
    assert result.top5_accuracy == pytest.approx(top_k_accuracy_score(LABELS, logits, k=5, labels=range(7)))
    assert 0 < result.top1_accuracy < result.top5_accuracy < 1


def test_the_confusion_matrix_is_scikit_learns(logits, result):
    expected = confusion_matrix(LABELS, logits.argmax(1), labels=range(7))
    assert (expected > 0).sum() > 10
    np.testing.assert_array_equal(result.confusion, expected)


def test_the_rows_of_the_classes(logits, result):
    predicted = logits.argmax(1)
    recalls = recall_score(LABELS, predicted, labels=range(7), average=None, zero_division=0)
    rows = result.per_class()
    assert [row.name for row in rows] == list(NAMES)
    for index, row in enumerate(rows):
        assert row.images == np.sum(index == LABELS)
        if row.images:
            assert row.accuracy == pytest.approx(recalls[index])
        wrong = [p for p, label in zip(predicted, LABELS, strict=True) if label == index and p != index]
        assert row.mistakes == max((wrong.count(p) for p in wrong), default=0)
        assert row.mistaken_for is None if not wrong else wrong.count(NAMES.index(row.mistaken_for)) == row.mistakes
    assert rows[6].images == 0 and rows[6].accuracy is None and rows[6].mistaken_for is None


def test_top_5_needs_more_than_five_classes():
    weights = replace(
        WEIGHTS,
        variables=drawn(zoo.create_model("lenet5", num_classes=5), PREPROCESSING.image_shape),
        fields={"num_classes": 5},
        class_names=NAMES[:5],
    )
    kept = ArraySource(IMAGES[LABELS < 5], LABELS[LABELS < 5])
    assert evaluate(weights, replace(DATASET, test=kept, class_names=NAMES[:5])).top5_accuracy is None


def test_a_row_by_hand():
    rows = Evaluation(("cat", "dog"), np.array([[3, 1], [0, 4]]), None).per_class()
    assert (rows[0].accuracy, rows[0].mistaken_for, rows[0].mistakes) == (0.75, "dog", 1)
    assert (rows[1].accuracy, rows[1].mistaken_for, rows[1].mistakes) == (1.0, None, 0)


IDS = tuple(f"n0000000{index}" for index in range(7))


@pytest.mark.parametrize(
    ("known", "given", "shown"), [((), NAMES, NAMES), (NAMES, IDS, NAMES), (IDS, IDS, IDS), (IDS, NAMES, IDS)]
)
def test_unknown_names_and_wordnet_identifiers_are_not_compared(result, known, given, shown):
    again = evaluate(replace(WEIGHTS, class_names=known), replace(DATASET, class_names=given))
    assert again.class_names == shown
    np.testing.assert_array_equal(again.confusion, result.confusion)


def failing(weights=WEIGHTS, dataset=DATASET, **options):
    with pytest.raises(zoo.ZooError) as error:
        evaluate(weights, dataset, **options)
    return str(error.value)


def test_other_classes_are_an_error():
    assert "blocks has 6 classes, and these weights of lenet5 7" in failing(
        dataset=replace(DATASET, class_names=NAMES[:6])
    )
    swapped = replace(DATASET, class_names=("a", "c", "b", *NAMES[3:]))
    assert "class 1 is 'c' in blocks, and 'b' in these weights" in failing(dataset=swapped)
    assert "class 0 is 'n00000001'" in failing(
        replace(WEIGHTS, class_names=IDS), replace(DATASET, class_names=IDS[1:] + IDS[:1])
    )


def test_a_batch_that_the_devices_cannot_share():
    assert "a batch of 6 cannot be split over 4 devices" in failing(batch_size=6)


def test_a_result_shows_itself(result):
    accuracies = f"top-1 accuracy {result.top1_accuracy:.4f}, top-5 {result.top5_accuracy:.4f}"
    assert repr(result) == f"Evaluation(203 images, 7 classes: {accuracies})"
    assert result._repr_html_().count("<tr>") == 8
