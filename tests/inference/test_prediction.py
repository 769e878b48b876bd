"""`predict` against the network applied to each image alone, and softmax written plainly."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from quick import drawn

import zoo
from zoo.data import Preprocessing
from zoo.inference.prediction import Prediction, predict
from zoo.weights import Weights

PREPROCESSING = Preprocessing(image_shape=(20, 24, 1), mean=(0.4,), std=(0.2,), crop=0.9)
NETWORK = zoo.create_model("lenet5", num_classes=7)
WEIGHTS = Weights(
    model="lenet5",
    variables=drawn(NETWORK, PREPROCESSING.image_shape),
    preprocessing=PREPROCESSING,
    fields={"num_classes": 7},
    class_names=tuple("abcdefg"),
)
GENERATOR = np.random.default_rng(0)
IMAGES = [
    GENERATOR.integers(0, 256, shape, np.uint8)
    for shape in ((20, 24, 1), (31, 50, 3), (9, 70, 1), (64, 64, 3), (300, 25, 3))
]


def softmax_of(image):
    """float64 [7]."""
    normalized = (PREPROCESSING.fitted(image)[None] / 255 - 0.4) / 0.2
    logits = np.asarray(NETWORK.apply(WEIGHTS.variables, normalized.astype(np.float32))[0], np.float64)
    return np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()


@pytest.mark.parametrize("batch_size", [2, 32])
def test_the_most_probable_classes_of_each_image(batch_size):
    found = list(predict(WEIGHTS, iter(IMAGES), batch_size=batch_size, top=3))
    assert len(found) == len(IMAGES)
    for image, predictions in zip(IMAGES, found, strict=True):
        expected = softmax_of(image)
        order = np.argsort(-expected)[:3]
        assert [one.index for one in predictions] == order.tolist()
        assert [one.class_name for one in predictions] == ["abcdefg"[index] for index in order]
        np.testing.assert_allclose([one.probability for one in predictions], expected[order], rtol=1e-4)


def test_all_classes_where_there_are_fewer():
    (predictions,) = predict(WEIGHTS, IMAGES[:1], top=100)
    assert sorted(one.index for one in predictions) == list(range(7))
    np.testing.assert_allclose(sum(one.probability for one in predictions), 1, rtol=1e-5)


def test_classes_without_names_have_numbers():
    (predictions,) = predict(replace(WEIGHTS, class_names=()), IMAGES[:1], top=1)
    best = int(softmax_of(IMAGES[0]).argmax())
    assert predictions[0] == Prediction(f"class {best}", best, predictions[0].probability)


class Counting(Preprocessing):
    """Counts how often the network is traced."""

    traces = 0

    def normalized(self, images):
        """As it was."""
        Counting.traces += 1
        return super().normalized(images)


def test_the_network_is_compiled_once():
    weights = replace(WEIGHTS, preprocessing=Counting(**PREPROCESSING.__dict__))
    assert len(list(predict(weights, IMAGES, batch_size=2))) == 5
    assert Counting.traces == 1


def test_images_are_taken_as_they_are_needed():
    taken = []

    def images():
        for image in IMAGES:
            taken.append(image)
            yield image

    next(predict(WEIGHTS, images(), batch_size=2))
    assert len(taken) == 2


def test_no_images_are_no_predictions():
    assert list(predict(WEIGHTS, [])) == []


def failing(weights=WEIGHTS, images=IMAGES, **options):
    with pytest.raises(zoo.ZooError) as error:
        list(predict(weights, images, **options))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_errors():
    assert "batch_size is 0" in failing(batch_size=0)
    assert "top is 0" in failing(top=0)
    for dtype in ("float33", "int8", None.__class__):
        assert "float32 or bfloat16" in failing(dtype=dtype)
    assert "7 outputs, but 2 class names" in failing(replace(WEIGHTS, class_names=("a", "b")))
    for image in (IMAGES[0][..., 0], IMAGES[0].astype(np.float32), np.zeros((4, 4, 2), np.uint8)):
        assert f"an image is {image.dtype} {image.shape}" in failing(images=[image])


def test_a_network_without_a_classifier():
    assert "have no classifier" in failing(replace(WEIGHTS, fields={"num_classes": 0}, class_names=()))


def test_numbers_that_are_not_finite():
    damaged = jax.tree.map(lambda leaf: leaf * np.nan, WEIGHTS.variables)
    assert "not finite" in failing(replace(WEIGHTS, variables=damaged))
