"""GoogLeNet of Keras's layers, for its JAX backend: torchvision's layout, and the names of `googlenet_tv`."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.models.googlenet import INCEPTIONS, POOL_AFTER


def googlenet(dropout: float = 0.2) -> Any:
    """A keras.Model of images [b, 224, 224, 3] to logits [b, 1000]."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras import layers

    def block(x: Any, name: str, features: int, size: int, stride: int = 1) -> Any:
        if size > 1:
            x = layers.ZeroPadding2D(size // 2)(x)
        x = layers.Conv2D(features, size, stride, use_bias=False, name=as_layer(f"{name}/conv"))(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=as_layer(f"{name}/bn"))(x)
        return layers.ReLU()(x)

    def halve(x: Any, size: int = 3) -> Any:
        # After a ReLU zeros never win: they make the pool round up.
        padded = layers.ZeroPadding2D(((0, 1), (0, 1)))(x) if size == 3 else x
        return layers.MaxPooling2D(size, 2)(padded)

    def inception(x: Any, name: str, widths: tuple[int, ...]) -> Any:
        one, three_reduce, three, five_reduce, five, proj = widths
        pooled = layers.MaxPooling2D(3, 1, padding="same")(x)
        branches = [
            block(x, f"{name}/1x1", one, 1),
            block(block(x, f"{name}/3x3_reduce", three_reduce, 1), f"{name}/3x3", three, 3),
            block(block(x, f"{name}/5x5_reduce", five_reduce, 1), f"{name}/5x5", five, 3),
            block(pooled, f"{name}/pool_proj", proj, 1),
        ]
        return layers.Concatenate()(branches)

    image = keras.Input((224, 224, 3))
    x = halve(block(image, "conv1/7x7_s2", 64, 7, 2))
    x = halve(block(block(x, "conv2/3x3_reduce", 64, 1), "conv2/3x3", 192, 3))
    for name, widths in INCEPTIONS.items():
        x = inception(x, f"inception_{name}", widths)
        if name in POOL_AFTER:
            x = halve(x, 2 if name == "4e" else 3)
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(1000, name=as_layer("loss3/classifier"))(x))


def load(model: Any, variables: Mapping[str, Any]) -> None:
    """Give the layers the zoo's variables."""
    from flax.traverse_util import flatten_dict

    params, stats = (flatten_dict(variables[kind], sep="/") for kind in ("params", "batch_stats"))
    for layer in model.layers:
        if not layer.weights:
            continue
        path = layer.name.replace("__", "/")
        if path.endswith("/bn"):
            own = [params[f"{path}/scale"], params[f"{path}/bias"], stats[f"{path}/mean"], stats[f"{path}/var"]]
        else:
            own = [params[f"{path}/{name}"] for name in ("kernel", "bias") if f"{path}/{name}" in params]
        layer.set_weights([np.asarray(weight) for weight in own])


def as_layer(path: str) -> str:
    """Keras's names have no slashes."""
    return path.replace("/", "__")
