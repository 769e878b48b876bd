"""The files of torch.save: what they hold, with tensors as `StoredArray`, without torch and without running anything.

Both formats are read: the zip archive, with the pickle in one entry and each storage in another, and the one before
torch 1.6, pickles followed by the storages. See torch/serialization.py.
"""

import zipfile
from functools import partial
from io import BufferedReader, BytesIO
from typing import Any

from zoo.errors import ZooError
from zoo.runtime.regular_file import size_of
from zoo.runtime.zip_directory import stored_bytes, zip_entries
from zoo.weights.restricted_pickle import MAX_PICKLE, PickleError, RestrictedUnpickler
from zoo.weights.torch_objects import Storage, UnsafeCall, call_result, make_storage

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
LEGACY_COUNT = 8


def read_torch(file: BufferedReader) -> Any:
    """The contents of an open file. Raises ZooError for a damaged file, and for one that would run code."""
    try:
        file.seek(0)
        return _read_zip(file) if file.read(4) == b"PK\3\4" else _read_legacy(file)
    except UnsafeCall as error:
        raise ZooError(
            f"{file.name} holds more than tensors and would run code ({error}), so it is not read: "
            "save only its state dict"
        ) from None
    except ZooError:
        raise
    except (PickleError, zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError, TypeError, NotImplementedError):
        raise ZooError(
            f"cannot read {file.name}: it is not a torch file, or is damaged; copy or download it again"
        ) from None


def _read_zip(file: BufferedReader) -> Any:
    entries = {name.partition("/")[2]: entry for name, entry in zip_entries(file).items()}
    if "constants.pkl" in entries or any(name.startswith("code/") for name in entries):
        raise ZooError(f"{file.name} is a TorchScript program, which is code: save its state dict instead")
    if "byteorder" in entries and _contents(file, entries["byteorder"]) != b"little":
        raise ZooError(f"{file.name} was saved on a big-endian machine: save it again on another")

    def persistent(stored: Any) -> Storage:
        _, storage_type, key, _, count = stored
        start, size = stored_bytes(file, entries[f"data/{key}"])
        return make_storage(storage_type, start, count, size)

    contents = _contents(file, entries["data.pkl"])
    return RestrictedUnpickler(BytesIO(contents), partial(call_result, file), persistent).load()


def _contents(file: BufferedReader, entry: zipfile.ZipInfo) -> bytes:
    start, size = stored_bytes(file, entry)
    if size > MAX_PICKLE:
        raise PickleError("it is too long")
    file.seek(start)
    return file.read(size)


def _read_legacy(file: BufferedReader) -> Any:
    file.seek(0)
    result_of = partial(call_result, file)
    storages: dict[Any, Storage] = {}

    def claimed(stored: Any) -> Storage:
        _, storage_type, key, _, count, _ = stored
        if not isinstance(key, str):
            raise PickleError("a storage without a name")
        return storages.setdefault(key, make_storage(storage_type, 0, count, size_of(file)))

    def placed(stored: Any) -> Storage:
        _, storage_type, key, _, count, view = stored
        storage = storages[key]
        offset, count = view[1:] if view else (0, count)
        if type(offset) is not int or not 0 <= offset <= storage.count:
            raise PickleError("a view outside of its storage")
        size = (storage.count - offset) * storage.dtype.itemsize
        return make_storage(storage_type, storage.start + offset * storage.dtype.itemsize, count, size)

    # Where the storages are is known after the pickles, which are therefore read twice.
    reader = RestrictedUnpickler(file, result_of, claimed)
    if [reader.load(), reader.load()] != [LEGACY_MAGIC, LEGACY_PROTOCOL]:
        raise PickleError("another format")
    reader.load()
    position = file.tell()
    reader.load()
    keys = reader.load()
    end = file.tell()
    for key in keys:
        storage, file_start = storages[key], end + LEGACY_COUNT
        file.seek(end)
        end = file_start + storage.count * storage.dtype.itemsize
        if int.from_bytes(file.read(LEGACY_COUNT), "little") != storage.count or end > size_of(file):
            raise PickleError("a storage of another size")
        storages[key] = Storage(storage.dtype, file_start, storage.count)
    file.seek(position)
    return RestrictedUnpickler(file, result_of, placed).load()
