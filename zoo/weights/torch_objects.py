"""What the calls in a pickle of torch's give: tensors as `StoredArray`, mappings, and nothing for the rest.

Nothing is imported or run. A call of anything else is refused. See torch/_utils.py for those that make tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from math import prod
from typing import Any, NoReturn

import ml_dtypes
import numpy as np

from zoo.errors import ZooError
from zoo.weights.restricted_pickle import Name, PickleError
from zoo.weights.stored_array import StoredArray, read_numbers

# The types of storages; of one without a type, a byte.
STORAGES = {
    "Double": np.dtype("<f8"),
    "Float": np.dtype("<f4"),
    "Half": np.dtype("<f2"),
    "BFloat16": np.dtype(ml_dtypes.bfloat16),
    "ComplexFloat": np.dtype("<c8"),
    "ComplexDouble": np.dtype("<c16"),
    "Long": np.dtype("<i8"),
    "Int": np.dtype("<i4"),
    "Short": np.dtype("<i2"),
    "Char": np.dtype("i1"),
    "Byte": np.dtype("u1"),
    "Bool": np.dtype("?"),
    "Untyped": np.dtype("u1"),
}
# The types that tensors in storages without a type state.
NAMED_DTYPES = {
    "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "uint16": np.dtype("<u2"),
    "uint32": np.dtype("<u4"),
    "uint64": np.dtype("<u8"),
}

# What training scripts save beside the tensors: the arguments of the command line, a path, a number of NumPy, a
# configuration. Calls of these give nothing.
IGNORED_CALLS = frozenset(
    {"argparse.Namespace", "types.SimpleNamespace", "typing.Any", "copyreg._reconstructor", "_codecs.encode"}
    | {f"builtins.{name}" for name in ("list", "set", "frozenset", "int", "float", "str", "range", "slice", "complex")}
    | {"builtins.bytearray", "collections.Counter", "ml_collections.config_dict.config_dict.ConfigDict"}
    | {f"pathlib{module}.{system}Path" for module in ("", "._local") for system in ("Posix", "Windows", "Pure", "")}
    | {f"pathlib{module}.Pure{system}Path" for module in ("", "._local") for system in ("Posix", "Windows")}
    | {f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")}
    | {f"numpy.{name}" for name in ("dtype", "ndarray")}
    | {f"numpy.dtypes.{kind}DType" for kind in ("Float16", "Float32", "Float64", "Int32", "Int64", "Bool")}
    | {f"omegaconf.{name}" for name in ("dictconfig.DictConfig", "listconfig.ListConfig")}
    | {f"omegaconf.{name}" for name in ("base.ContainerMetadata", "base.Metadata", "nodes.AnyNode")}
    | {f"torch.{name}" for name in ("Size", "device", "serialization._get_layout")}
)
# Calls of these give a mapping, whose items follow in the file.
MAPPING_CALLS = frozenset(
    {"builtins.dict", "collections.OrderedDict", "collections.defaultdict", "easydict.EasyDict", "yacs.config.CfgNode"}
    | {f"{package}.utilities.data.AttributeDict" for package in ("lightning.fabric", "lightning_fabric")}
    | {f"{package}.utilities.parsing.AttributeDict" for package in ("lightning.pytorch", "pytorch_lightning")}
)
# Python 2's names of modules.
RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}

# Numbers of the file per number of a tensor that has gaps, as a column of a matrix has.
MAX_SPREAD = 64


class UnsafeCall(Exception):
    """A call that would run code."""


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers in the file, from the byte `start`."""

    dtype: np.dtype
    start: int
    count: int


def make_storage(storage_type: Any, start: int, count: Any, size: int) -> Storage:
    """`count` numbers of a type, such as "torch.FloatStorage". Raises PickleError where they have more bytes than
    `size`.
    """
    if not isinstance(storage_type, Name) or not _are_sizes((count,)):
        raise PickleError("a storage that is none")
    dtype = STORAGES[storage_type.name.rpartition(".")[2].removesuffix("Storage")]
    if count * dtype.itemsize > size:
        raise PickleError("a storage that is not in the file")
    return Storage(dtype, start, count)


def call_result(file: BufferedReader, name: str, arguments: tuple[Any, ...]) -> Any:
    """The result of a call in a pickle of the open file. Raises UnsafeCall for one that would run code."""
    module, _, function = name.rpartition(".")
    name = f"{RENAMED.get(module, module)}.{function}"
    if name == "torch._tensor._rebuild_from_type_v2":
        # A subclass: the call that makes its tensor, which is not of a subclass again.
        original, _, arguments, *_ = arguments
        module, _, function = original.name.rpartition(".")
        name = original.name
    if module == "torch._utils" and (rebuild := REBUILD.get(function)):
        return rebuild(file, *arguments)
    if module == "torch._utils" and function.startswith("_rebuild_"):
        return StoredArray((1,), np.dtype(object), partial(_refuse_tensor, file.name, function))
    if name == "collections.OrderedDict" and arguments:
        return dict(arguments[0])
    if name in MAPPING_CALLS:
        return {}
    if name in IGNORED_CALLS:
        return None
    raise UnsafeCall(name)


def _refuse_tensor(path: str, function: str) -> NoReturn:
    kind = function.removeprefix("_rebuild_")
    raise ZooError(f"{path} holds what is no plain tensor ({kind}): save the weights as dense float32")


def _tensor(file: BufferedReader, storage: Any, offset: Any, size: Any, strides: Any, *_: Any) -> StoredArray:
    """A view of a storage. Raises PickleError where it reaches beyond it, repeats its numbers or is mostly gaps."""
    if not isinstance(storage, Storage) or not _are_sizes((offset, *size, *strides)) or len(size) != len(strides):
        raise PickleError("a tensor that is none")
    count = prod(size)
    reach = 1 + sum((length - 1) * stride for length, stride in zip(size, strides, strict=True)) if count else 0
    if max(offset + reach, count) > storage.count or reach > MAX_SPREAD * max(count, 2**14):
        raise PickleError("a tensor that is not in its storage")
    start = storage.start + offset * storage.dtype.itemsize
    view = partial(_read_view, file, start, reach, storage.dtype, tuple(size), tuple(strides))
    return StoredArray(tuple(size), storage.dtype, view)


def _typed_tensor(
    file: BufferedReader, storage: Any, offset: Any, size: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, *_: Any
) -> StoredArray:
    kind = NAMED_DTYPES[dtype.name.rpartition(".")[2]]
    typed = Storage(kind, storage.start, storage.count * storage.dtype.itemsize // kind.itemsize)
    return _tensor(file, typed, offset, size, strides)


def _read_view(
    file: BufferedReader, start: int, reach: int, dtype: np.dtype, size: tuple[int, ...], strides: tuple[int, ...]
) -> np.ndarray:
    numbers = read_numbers(file, start, reach, dtype)
    return np.lib.stride_tricks.as_strided(numbers, size, [stride * dtype.itemsize for stride in strides])


def _are_sizes(values: Any) -> bool:
    return all(type(value) is int and 0 <= value < 2**48 for value in values)


REBUILD: dict[str, Callable[..., Any]] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_tensor_v3": _typed_tensor,
    "_rebuild_parameter": lambda file, tensor, *_: tensor,
    "_rebuild_parameter_with_state": lambda file, tensor, *_: tensor,
}
