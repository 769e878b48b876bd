"""Data sets of images, their decoding, and batches."""

from zoo.data.batches import eval_batches, load_all, train_batches
from zoo.data.crops import RandomCrops
from zoo.data.dataset import ArraySource, Dataset, Example, Source
from zoo.data.decoding import read_image
from zoo.data.errors import DataError
from zoo.data.fitting import fit_image
from zoo.data.inspection.survey import Survey, survey
from zoo.data.open import open_again, open_dataset
from zoo.data.origin import DataOrigin, SplitRecord
from zoo.data.preprocessing import Preprocessing
from zoo.data.sources.arrays import open_arrays
from zoo.data.unreadable import UnreadableImages

__all__ = [
    "ArraySource",
    "DataError",
    "DataOrigin",
    "Dataset",
    "Example",
    "Preprocessing",
    "RandomCrops",
    "Source",
    "SplitRecord",
    "Survey",
    "UnreadableImages",
    "eval_batches",
    "fit_image",
    "load_all",
    "open_again",
    "open_arrays",
    "open_dataset",
    "read_image",
    "survey",
    "train_batches",
]
