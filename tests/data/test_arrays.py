"""Data in memory: which arrays are understood, how they are split, and what is refused."""

import numpy as np
import pytest

from zoo.data import DataError, open_arrays

IMAGES = np.arange(10 * 4 * 5, dtype=np.uint8).reshape(10, 4, 5)
LABELS = np.array([0, 1] * 5)


def test_every_fifth_image_of_each_class_is_for_testing():
    data = open_arrays((IMAGES, LABELS))
    # The fifth of each class are the last two.
    np.testing.assert_array_equal(data.test.images[..., 0], IMAGES[[8, 9]])
    np.testing.assert_array_equal(data.train.images[..., 0], IMAGES[:8])
    assert data.test.labels.tolist() == [0, 1] and data.train.labels.tolist() == [0, 1] * 4
    assert (data.class_names, data.image_shape) == (("0", "1"), (4, 5, 1))


@pytest.mark.parametrize("kind", [np.uint8, np.int64, bool])
def test_any_type_of_whole_numbers_is_a_label(kind):
    assert open_arrays((IMAGES, LABELS.astype(kind))).train.labels.tolist() == [0, 1] * 4


def test_a_test_set_is_taken_as_it_is():
    data = open_arrays((IMAGES, LABELS), (IMAGES[:3], [1, 1, 0]), class_names=["cat", "dog"])
    assert len(data.train) == 10 and data.test.labels.tolist() == [1, 1, 0]
    assert data.class_names == ("cat", "dog")


@pytest.mark.parametrize("kind", [str, object, np.bytes_])
def test_names_as_labels_are_the_classes_in_order(kind):
    names = np.array(["dog", "cat"], kind)[LABELS]
    data = open_arrays((IMAGES, names), (IMAGES[:2], names[:2]))
    assert [data.class_names[label] for label in data.test.labels] == ["dog", "cat"]
    assert data.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(IMAGES[..., None], id="channels"),
        pytest.param(np.repeat(IMAGES[..., None], 3, -1), id="colour"),
        pytest.param(IMAGES.astype(np.int64), id="whole numbers"),
        pytest.param(IMAGES.tolist(), id="a list"),
    ],
)
def test_forms_of_the_same_images(images):
    train = open_arrays((images, LABELS[:, None])).train
    assert train.images.dtype == np.uint8
    np.testing.assert_array_equal(train.images[..., 0], IMAGES[:8])


REFUSED = {
    "fractions": (IMAGES / 255, LABELS, r"float64 from 0 to .*255 \* images"),
    "not scaled": (IMAGES // 128, LABELS, "0 to 1"),
    "negative": (IMAGES.astype(int) - 9, LABELS, "-9"),
    "too large": (IMAGES.astype(int) + 100, LABELS, "299"),
    "channels first": (np.zeros((10, 3, 8, 8), np.uint8), LABELS, "transpose"),
    "alpha": (np.zeros((10, 8, 8, 4), np.uint8), LABELS, "10x8x8x4"),
    "one image": (IMAGES[0], LABELS, "4x5"),
    "none": (IMAGES[:0], LABELS[:0], "0x4x5x1"),
    "of several sizes": ([IMAGES[0], IMAGES[1, :2]], [0, 1], "differ in size"),
    "one-hot": (IMAGES, np.eye(2)[LABELS], "argmax"),
    "fractions as labels": (IMAGES, LABELS / 2, "float64"),
    "too few labels": (IMAGES, LABELS[:-1], "10 training images and 9 labels"),
    "labels from 1": (IMAGES, LABELS + 1, "label 0"),
    "a negative label": (IMAGES, LABELS - 1, "from 0"),
}


@pytest.mark.parametrize(("images", "labels", "named"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(images, labels, named):
    with pytest.raises(DataError, match=named):
        open_arrays((images, labels))


@pytest.mark.parametrize("labels", [[0, 2], ["0", "unknown"]])
def test_a_test_label_that_is_no_class(labels):
    train = LABELS if isinstance(labels[0], int) else LABELS.astype(str)
    with pytest.raises(DataError, match="test labels"):
        open_arrays((IMAGES, train), (IMAGES[:2], labels))
