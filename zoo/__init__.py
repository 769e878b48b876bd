"""zoo: convolutional networks in JAX and Flax, from LeNet-5 to ConvNeXt, each verified against its paper."""

from zoo import count, visualize
from zoo.errors import ZooError
from zoo.inference.features import features
from zoo.models.variables import init
from zoo.registry import ModelInfo, create_model, list_models, model_info, register
from zoo.runtime.compiler_options import compiler_options
from zoo.weights.pretrained import load_pretrained

__version__ = "0.1.0"
__all__ = [
    "ModelInfo",
    "ZooError",
    "compiler_options",
    "count",
    "create_model",
    "features",
    "init",
    "list_models",
    "load_pretrained",
    "model_info",
    "register",
    "visualize",
]
