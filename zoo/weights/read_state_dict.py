"""Read state dicts from files of other libraries, without running code from a file."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.weights.files import read_safetensors

SAFETENSORS = (".safetensors",)
TORCH = (".pth", ".pt", ".bin")
# Keys under which training scripts store a state dict, and the prefix that DataParallel adds to its keys.
WRAPPER_KEYS = ("state_dict", "model")
DATA_PARALLEL_PREFIX = "module."


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """{key: array} of a .safetensors file, or with torch installed of a .pth, .pt or .bin file.

    A state dict under the key "state_dict" or "model" is taken out, the prefix "module." is removed, and half precision
    becomes float32. Raises ZooError for a file that is missing or damaged, holds more than tensors, or would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise ZooError(f"there is no file {path}")
    if path.suffix in SAFETENSORS:
        found: Mapping[Any, Any] = read_safetensors(path)[1]
    elif path.suffix in TORCH:
        found = _unwrap(path, _read_torch(path))
    else:
        raise ZooError(f"{path} has not the suffix of a weights file: use {', '.join(SAFETENSORS + TORCH)}")
    if not found:
        raise ZooError(f"{path} holds no tensors")
    arrays = {key: _as_numpy(path, key, value) for key, value in found.items()}
    prefixed = all(key.startswith(DATA_PARALLEL_PREFIX) for key in arrays)
    return {key.removeprefix(DATA_PARALLEL_PREFIX): array for key, array in arrays.items()} if prefixed else arrays


def _read_torch(path: Path) -> Any:
    try:
        import torch
    except ImportError:
        raise ZooError(
            f"reading {path} needs torch: install torch (its CPU build is enough), or use a .safetensors file"
        ) from None
    try:
        with warnings.catch_warnings(action="ignore"):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        if refused:
            raise ZooError(
                f"{path} holds more than tensors and would run code ({refused[1]}), so it is not read: "
                "save only its state dict"
            ) from None
        raise ZooError(f"cannot read {path}: it is not a torch file, or is damaged") from None
    except Exception as error:
        # torch raises RuntimeError, EOFError, KeyError and others for damaged files.
        if "TorchScript" in str(error):
            raise ZooError(f"{path} is a TorchScript program, which is code: save its state dict instead") from None
        raise ZooError(f"cannot read {path}: it is not a torch file, or is damaged") from None


def _unwrap(path: Path, found: Any) -> Mapping[Any, Any]:
    for name in WRAPPER_KEYS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping):
        raise ZooError(f"{path} holds a {type(found).__name__}, not a state dict")
    return found


def _as_numpy(path: Path, key: Any, value: Any) -> np.ndarray:
    if not isinstance(key, str):
        raise ZooError(f"{path} holds no state dict: the key {key!r} is not text")
    if hasattr(value, "detach"):
        try:
            value = (value.float() if value.is_floating_point() else value).detach().numpy()
        except (RuntimeError, TypeError) as error:
            raise ZooError(f"{key} of {path} is not a plain tensor: {' '.join(str(error).split())[:100]}") from None
    if not isinstance(value, np.ndarray):
        raise ZooError(f"{path} holds no state dict: {key} is a {type(value).__name__}, not a tensor")
    # NumPy's kind of bfloat16 and the other short formats of ml_dtypes is V.
    return value.astype(np.float32) if value.dtype.kind in "fV" else value
