"""The optional libraries of exports: one that is missing or broken is one line."""

import importlib.util
from importlib import import_module
from types import ModuleType

from zoo.errors import ZooError
from zoo.printable import one_line

ONNX_INSTALL = "pip install 'zoo-cnn[onnx]'"
RUNTIME_INSTALL = "pip install onnxruntime"


def check_onnx() -> None:
    """Raises ZooError where the library onnx is not installed, or cannot be imported."""
    if not _is_installed("onnx"):
        raise ZooError(f"ONNX needs a library that is not installed: {ONNX_INSTALL}")
    _imported("onnx", ONNX_INSTALL)


def has_runtime() -> bool:
    """Whether ONNX Runtime is installed."""
    return _is_installed("onnxruntime")


def import_runtime() -> ModuleType:
    """ONNX Runtime. Raises ZooError where it cannot be imported."""
    return _imported("onnxruntime", RUNTIME_INSTALL)


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # a module without a spec, as one that was put in `sys.modules`
        return True


def _imported(name: str, install: str) -> ModuleType:
    try:
        return import_module(name)
    except MemoryError:
        raise
    except Exception as error:  # of any class, as of a damaged library in C++ or of another version
        advice = f"{install} --force-reinstall"
        raise ZooError(f"{name} is installed and cannot be imported ({one_line(error)}): {advice}") from error
