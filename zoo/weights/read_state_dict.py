"""Read state dicts from files of other libraries, without running code from a file."""

import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.weights.checkpoint_contents import find_state_dict
from zoo.weights.files import read_safetensors

SAFETENSORS = (".safetensors",)
NUMPY = (".npz",)
# ".tar" as in "model_best.pth.tar", of PyTorch's example; ".ckpt" of Lightning. Neither is a tar archive.
TORCH = (".pth", ".pt", ".bin", ".tar", ".ckpt")
SUFFIXES = SAFETENSORS + NUMPY + TORCH

# Classes whose objects stand beside the tensors in the files of training scripts: the arguments of the command line, a
# path, a number of NumPy, a configuration. Their objects are read as `Unread`; the classes themselves are not imported.
UNREAD_CLASSES = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    "typing.Any",
    *(f"builtins.{name}" for name in ("list", "dict", "set", "frozenset", "int", "float", "str", "range", "slice")),
    *(f"pathlib{module}.{system}Path" for module in ("", "._local") for system in ("Posix", "Windows", "Pure", "")),
    *(f"pathlib{module}.Pure{system}Path" for module in ("", "._local") for system in ("Posix", "Windows")),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"numpy.{name}" for name in ("dtype", "ndarray")),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Float16", "Float32", "Float64", "Int32", "Int64", "Bool")),
    *(f"omegaconf.{name}" for name in ("dictconfig.DictConfig", "listconfig.ListConfig")),
    *(f"omegaconf.{name}" for name in ("base.ContainerMetadata", "base.Metadata", "nodes.AnyNode")),
    "ml_collections.config_dict.config_dict.ConfigDict",
)
# Mappings, which are read as such.
MAPPINGS = (
    "collections.defaultdict",
    "easydict.EasyDict",
    "yacs.config.CfgNode",
    *(f"{package}.utilities.data.AttributeDict" for package in ("lightning.fabric", "lightning_fabric")),
    *(f"{package}.utilities.parsing.AttributeDict" for package in ("lightning.pytorch", "pytorch_lightning")),
)


class Unread:
    """What a file has in place of an object of `UNREAD_CLASSES`; it keeps nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what the object was made from."""

    def __setstate__(self, state: Any) -> None:
        """Takes the object's fields."""


class ReadAsMapping:
    """What makes the mapping that is read in place of an object of `MAPPINGS`; its items follow in the file."""

    def __new__(cls, *_: Any) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        """An empty mapping of the kind that torch fills."""
        return OrderedDict()


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """{key: array} of a .safetensors or .npz file, or with torch installed of a .pth, .pt, .bin, .tar or .ckpt file.

    The keys are those of the file. Of what a training script saves, the state dict is taken as `find_state_dict`
    chooses it, and half precision becomes float32. Raises ZooError for a file that is missing or damaged, that holds no
    state dict, or that would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise ZooError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ZooError(f"{path} has not the suffix of a weights file: use {', '.join(SUFFIXES)}")
    if suffix in TORCH:
        contents = _read_torch(path)
    else:
        contents = read_safetensors(path)[1] if suffix in SAFETENSORS else _read_numpy(path)
    return {key: _as_numpy(path, key, value) for key, value in find_state_dict(path, contents).items()}


def _read_numpy(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        reason = "it holds objects, which are code" if "allow_pickle" in str(error) else "it is damaged"
        raise ZooError(f"cannot read {path}: it is not a NumPy file of arrays by name, or {reason}") from None


def _read_torch(path: Path) -> Any:
    try:
        import torch
    except ImportError:
        raise ZooError(
            f"reading {path} needs torch: install torch (its CPU build is enough), or use a .safetensors file"
        ) from None
    stand_ins: Any = [(Unread, name) for name in UNREAD_CLASSES] + [(ReadAsMapping, name) for name in MAPPINGS]
    try:
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        if refused:
            raise ZooError(
                f"{path} holds more than tensors and would run code ({refused[1]}), so it is not read: "
                "save only its state dict"
            ) from None
        other = "holds other objects than tensors" if "Can only" in str(error) else "is damaged"
        raise ZooError(f"cannot read {path}: it is not a torch file, or {other}") from None
    except Exception as error:
        # torch raises RuntimeError, EOFError, KeyError and others for damaged files.
        if "TorchScript" in str(error):
            raise ZooError(f"{path} is a TorchScript program, which is code: save its state dict instead") from None
        raise ZooError(f"cannot read {path}: it is not a torch file, or is damaged") from None


def _as_numpy(path: Path, key: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        try:
            value = (value.float() if value.is_floating_point() else value).detach().numpy()
        except (RuntimeError, TypeError) as error:
            raise ZooError(f"{key} of {path} is not a plain tensor: {' '.join(str(error).split())[:100]}") from None
    # NumPy's kind of bfloat16 and the other short formats of ml_dtypes is V.
    return value.astype(np.float32) if value.dtype.kind in "fV" else value
