"""Images and labels that are in memory already."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.dataset import EVERY_FIFTH, ArraySource, Dataset
from zoo.data.errors import DataError
from zoo.errors import list_some

# Images and labels: NumPy's arrays, or what NumPy takes for one.
Arrays = tuple[Any, Any]


def open_arrays(train: Arrays, test: Arrays | None = None, *, class_names: Sequence[str] = ()) -> Dataset:
    """A data set of `train` and `test`, each (images, labels).

    Images are pixels from 0 to 255, of a whole-number type: [n, height, width] or [n, height, width, 1 or 3]. Labels
    are [n] whole numbers from 0, or the names of the classes. `class_names` are those of whole numbers; by default the
    numbers themselves. Without `test` every fifth image of each class is the test split, in their order. Raises
    DataError for anything else.
    """
    images, labels = _checked_images(train[0], "training"), _flat(train[1], "training")
    if labels.dtype.kind == "U":
        names = tuple(str(name) for name in np.unique(labels))
    else:
        names = tuple(class_names) or tuple(str(number) for number in range(int(labels.max(initial=-1)) + 1))
    numbers = _numbered(labels, names, images, "training")
    if missing := sorted({*range(len(names))} - {*numbers.tolist()}):
        raise DataError(f"no training image has the label {list_some(map(str, missing))}: number the classes from 0")
    if test is None:
        is_test = test_mask(numbers)
        split = ArraySource(images[is_test], numbers[is_test])
        images, numbers = images[~is_test], numbers[~is_test]
    else:
        test_images = _checked_images(test[0], "test")
        split = ArraySource(test_images, _numbered(_flat(test[1], "test"), names, test_images, "test"))
    height, width, channels = images.shape[1:]
    rule = EVERY_FIFTH if test is None else "as given"
    return Dataset("arrays", ArraySource(images, numbers), split, names, (height, width, channels), split=rule)


def test_mask(labels: np.ndarray) -> np.ndarray:
    """Which examples are the test split: of each class, in the given order, every fifth."""
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[4::5]] = True
    return mask


def _checked_images(given: Any, split: str) -> np.ndarray:
    """uint8 [n, height, width, channels]."""
    images = _array(given, f"the {split} images")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    shape = "x".join(map(str, images.shape))
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        raise DataError(f"the {split} images are {shape}, with channels first: use images.transpose(0, 2, 3, 1)")
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise DataError(f"the {split} images are {shape or 'one number'}: they must be [n, height, width, 1 or 3]")
    low, high = images.min(), images.max()
    if images.dtype.kind not in "iu" or low < 0 or high > 255 or high <= 1:
        raise DataError(
            f"the {split} images are {images.dtype} from {low:.4g} to {high:.4g}: they must be pixels from 0 to 255, "
            "of uint8; of fractions (255 * images).round().astype('uint8')"
        )
    return images.astype(np.uint8, copy=False)


def _flat(given: Any, split: str) -> np.ndarray:
    """Labels [n]."""
    labels = _array(given, f"the {split} labels")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"the {split} labels have {labels.ndim} axes: give one number per image, labels.argmax(-1)")
    if labels.dtype == object and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind not in "iubU":
        raise DataError(f"the {split} labels are {labels.dtype}: give whole numbers from 0, or names")
    return labels if labels.dtype.kind == "U" else labels.astype(np.int64)


def _numbered(labels: np.ndarray, names: tuple[str, ...], images: np.ndarray, split: str) -> np.ndarray:
    """Labels int32 [n], from 0 to the number of names - 1."""
    if len(labels) != len(images):
        raise DataError(f"there are {len(images)} {split} images and {len(labels)} labels: give one label per image")
    if labels.dtype.kind == "U":
        number_of = {name: number for number, name in enumerate(names)}
        labels = np.array([number_of.get(str(label), -1) for label in labels])
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
        raise DataError(f"the {split} labels are not all among the {len(names)} classes: number them from 0")
    return labels.astype(np.int32)


def _array(given: Any, what: str) -> np.ndarray:
    try:
        return np.asarray(given)
    except (ValueError, TypeError) as error:
        raise DataError(f"{what} are no array, since they differ in size: {error}") from None
