"""The primitives of small index arithmetic and of resize weights in NumPy, which compiles nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Params = Mapping[str, Any]


def run(name: str, params: Params, arguments: Sequence[Any], dtype: Any) -> np.ndarray | None:
    """The one result of a primitive, of type `dtype`; None if NumPy cannot compute it here."""
    types = [getattr(value, "dtype", np.dtype(type(value))) for value in arguments]
    if not all(isinstance(kind, np.dtype) and kind.kind in "biuf" for kind in [*types, dtype]):
        return None
    arrays = [np.asarray(value) for value in arguments]
    with np.errstate(all="ignore"):
        if name in FUNCTIONS:
            return np.asarray(FUNCTIONS[name](*arrays)).astype(dtype)
        if name in WITH_PARAMS:
            return np.asarray(WITH_PARAMS[name](params, *arrays)).astype(dtype)
    return None


def _divided(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Integers are divided towards zero."""
    return x / y if x.dtype.kind == "f" else np.trunc(x / np.where(y == 0, 1, y))


def _broadcast(params: Params, x: np.ndarray) -> np.ndarray:
    sizes = [1] * len(params["shape"])
    for size, axis in zip(x.shape, params["broadcast_dimensions"], strict=True):
        sizes[axis] = size
    return np.broadcast_to(x.reshape(sizes), params["shape"])


def _iota(params: Params) -> np.ndarray:
    shape, axis = params["shape"], params["dimension"]
    numbers = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return np.broadcast_to(numbers, shape)


def _sliced(params: Params, x: np.ndarray) -> np.ndarray:
    strides = params["strides"] or (1,) * x.ndim
    parts = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return x[tuple(slice(*part) for part in parts)]


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": np.add,
    "and": np.bitwise_and,
    "ceil": np.ceil,
    "clamp": lambda low, x, high: np.clip(x, low, high),
    "convert_element_type": lambda x: x,
    "copy": lambda x: x,
    "div": _divided,
    "eq": np.equal,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "rem": np.fmod,
    "select_n": lambda which, *cases: np.choose(which.astype(int), cases),
    "sign": np.sign,
    "sqrt": np.sqrt,
    "square": np.square,
    "sub": np.subtract,
    "xor": np.bitwise_xor,
}
WITH_PARAMS: Mapping[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda params, *parts: np.concatenate(parts, params["dimension"]),
    "integer_pow": lambda params, x: x ** params["y"],
    "iota": _iota,
    "reduce_sum": lambda params, x: x.sum(tuple(params["axes"])),
    "reshape": lambda params, x: x.transpose(params["dimensions"] or range(x.ndim)).reshape(params["new_sizes"]),
    "slice": _sliced,
    "squeeze": lambda params, x: x.squeeze(tuple(params["dimensions"])),
    "transpose": lambda params, x: x.transpose(params["permutation"]),
}
