"""zoo: convolutional networks in JAX and Flax, from LeNet-5 to ConvNeXt, each verified against its paper."""

import sys
from importlib import import_module

# That of `typing`, whose import would be half of the time of this one.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from zoo import count, visualize
    from zoo.errors import ZooError
    from zoo.inference.evaluation import evaluate
    from zoo.inference.features import features
    from zoo.inference.make_pyramid import feature_pyramid
    from zoo.models.variables import init
    from zoo.registry import ModelInfo, create_model, list_models, model_info, register
    from zoo.runtime.compiler_options import compiler_options
    from zoo.training.train_function import train
    from zoo.weights.pretrained import load_pretrained

__version__ = "0.1.0"
__all__ = [
    "ModelInfo",
    "ZooError",
    "compiler_options",
    "count",
    "create_model",
    "evaluate",
    "feature_pyramid",
    "features",
    "init",
    "list_models",
    "load_pretrained",
    "model_info",
    "register",
    "train",
    "visualize",
]

# Imported when it is used: JAX takes seconds, and a command must answer --help and Ctrl-C before that.
_MODULES = {
    "ModelInfo": "registry",
    "ZooError": "errors",
    "compiler_options": "runtime.compiler_options",
    "create_model": "registry",
    "evaluate": "inference.evaluation",
    "feature_pyramid": "inference.make_pyramid",
    "features": "inference.features",
    "init": "models.variables",
    "list_models": "registry",
    "load_pretrained": "weights.pretrained",
    "model_info": "registry",
    "register": "registry",
    "train": "training.train_function",
}


def __getattr__(name: str) -> "Any":
    """A public name, or a module of the package (`zoo.weights`), at its first use."""
    if name in _MODULES:
        return getattr(import_module(f"zoo.{_MODULES[name]}"), name)
    try:
        if not name.startswith("_"):
            return import_module(f"zoo.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"zoo.{name}":
            raise
    # With its name and object, Python adds what was probably meant.
    raise AttributeError(f"module 'zoo' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
