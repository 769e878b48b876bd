"""The columns of an image table in the layout of the `datasets` library: encoded images, and labels with their names.

The layout: https://huggingface.co/docs/datasets/about_dataset_features. Importing this imports pyarrow.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from zoo.data.errors import DataError
from zoo.data.sources.shard_dataset import check_class_names
from zoo.errors import list_some
from zoo.printable import one_line, printable, shortened
from zoo.runtime.records import as_record, parse_json
from zoo.runtime.regular_file import MAX_RECORD_SIZE
from zoo.runtime.system_errors import error_number, reason

METADATA = b"huggingface"
# Where several columns would do, these come first; CIFAR-100 has two kinds of labels.
IMAGE_NAMES = ("image", "img")
LABEL_NAMES = ("label", "labels", "fine_label", "class", "cls", "target")
BYTES, PATH = "bytes", "path"


@dataclass(frozen=True)
class Columns:
    """The columns of the images and the labels, and the names of the classes, () where they are not known.

    The images are a column of bytes, or of a record with `bytes` (`is_record`) and perhaps the `path` that each had.
    """

    image: str
    label: str
    class_names: tuple[str, ...]
    is_record: bool
    has_paths: bool


class _Feature(msgspec.Struct, rename={"kind": "_type"}):
    """What the metadata says of a column; other fields are not looked at."""

    kind: str = ""
    names: list[str] | None = None


class _Info(msgspec.Struct):
    features: dict[str, Any] = {}


class _Metadata(msgspec.Struct):
    info: _Info = msgspec.field(default_factory=_Info)


def find_columns(path: Path, schema: pa.Schema) -> Columns:
    """The columns of a table. Raises DataError where it has no images, or no labels that are whole numbers."""
    features = _features(path, schema)
    images = [name for name in schema.names if _is_image(schema.field(name).type)]
    marked = [name for name in images if (feature := features.get(name)) and feature.kind == "Image"]
    image = _best(marked or images, IMAGE_NAMES)
    if image is None:
        raise DataError(f"{path} has no column of encoded images: it has {_described(schema)}")
    numbers = [name for name in schema.names if pa.types.is_integer(schema.field(name).type)]
    classes = [name for name in numbers if (feature := features.get(name)) and feature.kind == "ClassLabel"]
    label = _best(classes or [name for name in numbers if name in LABEL_NAMES], LABEL_NAMES)
    if label is None:
        raise DataError(f"{path} has no column of labels, such as label, of whole numbers: it has {_described(schema)}")
    feature = features.get(label)
    names = tuple(feature.names or ()) if feature else ()
    if names:
        check_class_names(names, f"the column {label} of {path}")
    kind = schema.field(image).type
    is_record = pa.types.is_struct(kind)
    return Columns(image, label, names, is_record, is_record and _has_text(kind, PATH))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise what pyarrow raises of a file as DataError, in one line with its path."""
    try:
        yield
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError) as error:
        if error_number(error):
            raise DataError(f"cannot read {path}: {reason(error)}") from None
        raise DataError(f"cannot read {path} ({one_line(error)}): copy or download it again") from None


def _features(path: Path, schema: pa.Schema) -> dict[str, _Feature]:
    text = (schema.metadata or {}).get(METADATA)
    if text is None:
        return {}
    where = f"the metadata of {path}"
    if len(text) > MAX_RECORD_SIZE:
        raise DataError(f"{where} has more than {MAX_RECORD_SIZE:,} bytes: write the table again")
    found = as_record(parse_json(text, where), _Metadata, where, allow_unknown=True).info.features
    # A column of another kind may be described by a list.
    described = {name: value for name, value in found.items() if isinstance(value, dict)}
    return {name: as_record(value, _Feature, where, at=name, allow_unknown=True) for name, value in described.items()}


def _is_image(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        return _is_bytes(kind)
    index = kind.get_field_index(BYTES)
    return index >= 0 and _is_bytes(kind.field(index).type)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _has_text(kind: pa.StructType, name: str) -> bool:
    index = kind.get_field_index(name)
    return index >= 0 and kind.field(index).type in (pa.string(), pa.large_string())


def _best(names: list[str], preferred: tuple[str, ...]) -> str | None:
    return next((name for name in preferred if name in names), names[0] if names else None)


def _described(schema: pa.Schema) -> str:
    columns = [shortened(printable(f"{field.name} ({field.type})"), 60) for field in list(schema)[:100]]
    return f"the columns {list_some(columns)}" if columns else "no columns"
