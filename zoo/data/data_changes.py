"""How a data set differs from what a run remembers of it."""

from zoo.data.dataset import Dataset
from zoo.data.optional_formats import OPTIONAL_FORMATS
from zoo.data.origin import DataOrigin, image_changes
from zoo.printable import counted


def data_changes(then: DataOrigin, dataset: Dataset) -> str:
    """How the images differ, for "it has ...", with the decoder that explains it; "" where they do not differ."""
    changes = image_changes(then, dataset.origin, dataset.class_names)
    return f"{changes}{_reason(then, dataset)}" if changes else ""


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
