"""Data sets of TFDS, read without TensorFlow; importing this imports TFDS, so import it only when needed."""

import contextlib
import functools
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.data.cropping import decode_crop
from zoo.data.crops import RandomCrop
from zoo.data.dataset import EVERY_FIFTH, ArraySource, Dataset, Example, path_safe
from zoo.data.decoding import decode, header_shape
from zoo.data.errors import DataError
from zoo.data.fitting import with_channels
from zoo.data.image_shape import typical_shape
from zoo.data.origin import DataOrigin
from zoo.data.sources.digits import Digits
from zoo.data.sources.tfds_features import own_features_only
from zoo.data.sources.tfds_preparation import is_prepared, prepare, suppress_output
from zoo.errors import did_you_mean, similar_names, suggestion
from zoo.printable import one_line
from zoo.runtime.cache_entries import subfolders, use_while_alive

_NAME = re.compile(r"\w+(/[^/:]+)?(:[\d.]+)?")
# Up to this size a split is decoded once, when it is opened.
_IN_MEMORY_BYTES = 16 * 2**20


@dataclass(frozen=True, repr=False)
class RecordSource:
    """Examples of a TFDS data source with the images still encoded: PIL decodes them, as a folder's."""

    folder: Path
    records: Sequence[dict]
    image_key: str
    label_key: str
    channels: int

    def __repr__(self) -> str:
        return f"RecordSource({len(self):,} images)"

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        with self._naming(index):
            record = self.records[index]
            # RGB sets hold grey files too.
            pixels = with_channels(decode(io.BytesIO(record[self.image_key])), self.channels)
            return {"image": pixels, "label": int(record[self.label_key])}

    def cropped(self, index: int, crop: RandomCrop) -> Example:
        """An example with a random crop of its image."""
        with self._naming(index):
            record = self.records[index]
            pixels = with_channels(decode_crop(record[self.image_key], crop), self.channels)
            return {"image": pixels, "label": int(record[self.label_key])}

    def label(self, index: int) -> int:
        """The class of an example, without decoding its image."""
        with self._naming(index):
            return int(self.records[index][self.label_key])

    def encoded(self, index: int) -> bytes:
        """The image as it is stored."""
        with self._naming(index):
            return self.records[index][self.image_key]

    def thumbnail(self, index: int, side: int) -> np.ndarray:
        """An image; a JPEG at a lower resolution, of at least `side` pixels."""
        with self._naming(index):
            return with_channels(decode(io.BytesIO(self.records[index][self.image_key]), side), self.channels)

    def image_shape(self, index: int) -> tuple[int, int, int]:
        """(height, width, channels) of an image, from its header."""
        with self._naming(index):
            height, width, _ = header_shape(io.BytesIO(self.records[index][self.image_key]))
            return height, width, self.channels

    @contextlib.contextmanager
    def _naming(self, index: int) -> Iterator[None]:
        # A damaged record shows as whatever its reader or PIL's decoder raises.
        try:
            yield
        except Exception as error:
            raise DataError(
                f"cannot read example {index} ({one_line(error)}): {_prepare_again(self.folder)}"
            ) from error


Examples = ArraySource | RecordSource


def is_tfds_name(name: str) -> bool:
    """Whether TFDS has a data set of this name; its configuration and version are not looked at."""
    return bool(_NAME.fullmatch(name)) and _stem(name) in dataset_names()


def open_tfds(name: str, data_dir: Path) -> Dataset:
    """Open `digits` or a TFDS name, prepared first if need be; DataError when that cannot be done here.

    The test split is `test`, `validation` where there is none with labels (ImageNet), or the last fifth of a
    data set that has only `train`.
    """
    make = functools.partial(_builder, name)
    builder = make(data_dir)
    image_key, label_key = _keys(name, builder)
    if not is_prepared(builder):
        prepare(make, data_dir, quiet=name == "digits")
        builder = make(data_dir)
    config = builder.builder_config and builder.builder_config.name
    title = path_safe(f"{builder.name}-{config}" if config else builder.name)
    train, test, split = _splits(title, builder, image_key, label_key)
    if name == "digits":
        split = EVERY_FIFTH
    class_names = tuple(builder.info.features[label_key].names)
    image_shape = typical_shape(train.image_shape, len(train))
    return Dataset(title, train, test, class_names, image_shape, place=_place(name, builder, data_dir), split=split)


def _place(name: str, builder: tfds.core.DatasetBuilder, data_dir: Path) -> DataOrigin:
    if name == "digits":
        return DataOrigin(kind="tfds", name=name)
    config = f"/{builder.builder_config.name}" if builder.builder_config else ""
    exact = f"{builder.name}{config}:{builder.version}"
    return DataOrigin(kind="tfds", name=exact if _NAME.fullmatch(exact) else name, path=str(data_dir.absolute()))


def _builder(name: str, data_dir: Path) -> tfds.core.DatasetBuilder:
    # What follows a colon is a version here, never a namespace, which TFDS would look for on the network.
    if not _NAME.fullmatch(name):
        raise _unknown(name)
    try:
        # A builder that misses TensorFlow prints a banner about it before it raises.
        with suppress_output(), own_features_only():
            return Digits(data_dir=data_dir) if name == "digits" else tfds.builder(name, data_dir=data_dir)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise _unknown(name) from error
    except Exception as error:
        stem, _, config = name.partition(":")[0].partition("/")
        configs = list(tfds.builder_cls(stem).builder_configs) if is_tfds_name(name) else []
        if config and config not in configs:
            options = f" (it has {', '.join(configs) or 'none'})"
            raise DataError(f"{stem} has no configuration {config!r}{suggestion(config, configs)}{options}") from error
        # TFDS puts the arguments before the reason.
        reason = one_line(str(error).rpartition('}": ')[2] or error)
        raise DataError(
            f"cannot open the data set {name} ({reason}): check the name, and the contents of {data_dir}"
        ) from error


def _unknown(name: str) -> DataError:
    # Of so many names some are a little similar to any: 'nofolder' is no 'voxforge'.
    suggested = did_you_mean(similar_names(name, [*dataset_names(), *_folders_here()], cutoff=0.6))
    return DataError(f"unknown data set {name!r}{suggested} (a TFDS name, a folder, or digits)")


def _folders_here() -> list[str]:
    """The folders in the current one, any of which may be meant."""
    with contextlib.suppress(OSError):
        return [folder.name for folder in subfolders(Path())]
    return []


def is_downloaded_by_hand(name: str) -> bool:
    """Whether the files of a data set cannot be downloaded by TFDS; also if that is not known."""
    try:
        return bool(tfds.builder_cls(name).MANUAL_DOWNLOAD_INSTRUCTIONS)
    except Exception:  # a builder is third-party code
        return True


def dataset_names() -> list[str]:
    """The names of all data sets that TFDS knows, and digits."""
    # Ours is among them, since it is a builder like the others.
    return tfds.list_builders(with_community_datasets=False)


def _prepare_again(folder: Path) -> str:
    return f"remove {folder} to have it prepared again"


def _stem(name: str) -> str:
    return re.split("[/:]", name)[0].lower()


def _keys(name: str, builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
    info = builder.info
    image_key, label_key = info.supervised_keys if len(info.supervised_keys or ()) == 2 else ("image", "label")
    features = info.features if isinstance(info.features, tfds.features.FeaturesDict) else {}
    if (
        image_key in features
        and label_key in features
        and isinstance(features[image_key], tfds.features.Image)
        and isinstance(features[label_key], tfds.features.ClassLabel)
    ):
        return image_key, label_key
    raise DataError(f"{name} is no data set for image classification: it has no pair of an image and a class label")


def _splits(
    name: str, builder: tfds.core.DatasetBuilder, image_key: str, label_key: str
) -> tuple[Examples, Examples, str]:
    """The training and the test split, and in words which these are."""
    splits = builder.info.splits
    if "train" not in splits:
        raise DataError(f"{name} has no training split, only {', '.join(splits)}")
    source = functools.partial(_source, name, builder, image_key, label_key)
    for split in ("test", "validation"):
        # ImageNet's test split is there without its labels, each -1.
        if split in splits and splits[split].num_examples:
            test = source(split)
            if test.label(0) >= 0:
                return source("train"), test, f"the splits train and {split} of TFDS"
    return source("train[:80%]"), source("train[80%:]"), "the last fifth of TFDS's only split is for testing"


def _source(name: str, builder: tfds.core.DatasetBuilder, image_key: str, label_key: str, split: str) -> Examples:
    features = builder.info.features
    # The other features may need TensorFlow, or time, to decode.
    undecoded = {key: tfds.decode.SkipDecoding() for key in features if key != label_key}
    try:
        records = builder.as_data_source(split, decoders=undecoded)
    except NotImplementedError as error:
        raise DataError(
            f"{name} is stored in {builder.data_path} in a format that needs TensorFlow: convert it where there is one"
            f" with 'tfds convert_format --dataset_version_dir={builder.data_path} --out_file_format=array_record',"
            " or remove it to have it prepared again"
        ) from error
    except Exception as error:
        raise DataError(f"cannot read {name} ({one_line(error)}): {_prepare_again(builder.data_path)}") from error
    shape = features[image_key].shape
    source = RecordSource(Path(builder.data_path), records, image_key, label_key, 1 if shape[-1] == 1 else 3)
    use_while_alive(source.folder, source)
    if None in shape or len(source) * np.prod(shape) > _IN_MEMORY_BYTES:
        return source
    try:
        examples = [source[index] for index in range(len(source))]
    except DataError:
        # It is met when it is needed, as in a larger data set.
        return source
    if any(example["image"].shape != examples[0]["image"].shape for example in examples):
        return source
    return ArraySource(
        np.stack([example["image"] for example in examples]),
        np.array([example["label"] for example in examples]),
    )
