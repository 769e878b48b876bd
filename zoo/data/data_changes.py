"""How a data set differs from what a run remembers of it."""

from contextlib import suppress
from dataclasses import replace
from itertools import chain, combinations

from zoo.data.dataset import Dataset
from zoo.data.errors import DataError
from zoo.data.optional_formats import OPTIONAL_FORMATS
from zoo.data.origin import DataOrigin, image_changes
from zoo.data.sources.folder import FolderSource, open_folder
from zoo.printable import counted


def data_changes(then: DataOrigin, dataset: Dataset) -> str:
    """How the images differ, for "it has ...", with the decoder that explains it; "" where they do not differ."""
    changes = image_changes(then, dataset.origin, dataset.class_names)
    return f"{changes}{_reason(then, dataset)}" if changes else ""


def as_remembered(then: DataOrigin, dataset: Dataset) -> Dataset:
    """The data set as it was: without the images of formats that could not be read then, and can be now.

    That is another data set only where all others are the remembered ones.
    """
    if not isinstance(dataset.train, FolderSource) or not image_changes(then, dataset.origin, dataset.class_names):
        return dataset
    known = [known for known in OPTIONAL_FORMATS if known.is_available()]
    for formats in chain.from_iterable(combinations(known, number) for number in range(1, len(known) + 1)):
        # A class may have no other images.
        with suppress(DataError):
            fewer = open_folder(dataset.train.folder, without=formats)
            if fewer.class_names == dataset.class_names and not image_changes(then, fewer.origin, fewer.class_names):
                names = " and ".join(known.name for known in formats)
                left_out = f"{fewer.left_out}, as {names} could not be read when the training started"
                return replace(fewer, name=dataset.name, place=dataset.place, left_out=left_out)
    return dataset


def _reason(then: DataOrigin, dataset: Dataset) -> str:
    """That images could not be read then, or cannot be now, by the decoders that are installed; "" for neither."""
    if then.training is None or then.test is None:
        return ""
    before, now = then.training.images + then.test.images, len(dataset.train) + len(dataset.test)
    files = [file.lower() for source in (dataset.train, dataset.test) for file in getattr(source, "files", ())]
    for known in OPTIONAL_FORMATS:
        readable = sum(file.endswith(known.suffixes) for file in files)
        if readable and now - readable == before:
            return f"; {counted(readable, f'{known.name} image')} of them could not be read here then"
    return f"; {dataset.left_out}" if now < before and dataset.left_out else ""
