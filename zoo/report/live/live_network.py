"""A small trained network as data for `live/forward.js`: its operations in order, and its weights as float16."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.counting.layer_grouping import POOL_FUNCTIONS
from zoo.models.variables import Variables
from zoo.report.html.script_data import field_data
from zoo.report.layers.counted_network import CountedNetwork, Layer, Window

# What JavaScript computes in well under a second, and a page can hold: SqueezeNet 1.1 at 224 pixels, with 349 million
# multiply-adds, takes 0.3 s on one core of 2026.
MAX_MACS, MAX_PARAMETERS, MAX_SIZE = 400_000_000, 2_000_000, 224
# In the place of a value that is passed on as it is.
SAME_VALUES = ("dropout", "reshape")
OPERATIONS = ("conv", "dense", "relu", "concatenate", *SAME_VALUES)


def live_network(network: CountedNetwork, variables: Variables) -> dict[str, Any] | None:
    """The network for JavaScript, as JSON values; None if it has other operations, or is too large.

    `operations` are in the order of computation; each has a `name`, its `inputs` (the positions of earlier ones, -1 for
    the image), its `shape` [height, width, depth] and, with weights, the place of `kernel` and `bias` in `weights`.
    """
    layers = network.layers
    if network.summary.macs is None or network.summary.macs > MAX_MACS or network.summary.parameters > MAX_PARAMETERS:
        return None
    if not all(_is_known(layer) for layer in layers):
        return None
    weights = _Weights(variables["params"])
    operations = [_operation(layer, weights) for layer in layers]
    return {"image": list(network.image_shape), "operations": operations, "weights": weights.base64()}


def weights_in_base64(network: dict[str, Any], variables: Variables) -> str:
    """The weights of other variables of the same network, at the positions that its operations name."""
    weights = _Weights(variables["params"])
    for operation in network["operations"]:
        if "kernel" in operation:
            weights.add(operation["path"])
    return weights.base64()


class _Weights:
    """Kernels and biases one after the other, as they are added."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._arrays: list[np.ndarray] = []
        self._size = 0

    def add(self, path: str) -> dict[str, list[int]]:
        """{"kernel": [first, size], "bias": [first, size]} of a layer, and "bias" only where it has one."""
        layer = self._params
        for name in path.split("/"):
            layer = layer[name]
        return {name: self._append(np.asarray(layer[name])) for name in ("kernel", "bias") if name in layer}

    def _append(self, array: np.ndarray) -> list[int]:
        first, self._size = self._size, self._size + array.size
        self._arrays.append(array.ravel().astype("<f2"))
        return [first, array.size]

    def base64(self) -> str:
        """Little-endian float16."""
        return base64.b64encode(np.concatenate(self._arrays).tobytes()).decode()


def _is_known(layer: Layer) -> bool:
    operation = layer.row.operation
    if operation == "conv":
        return layer.window is not None and not layer.row.reused_parameters
    if operation in POOL_FUNCTIONS:
        return layer.window is not None or operation == "global_avg_pool"
    return operation in OPERATIONS


def _operation(layer: Layer, weights: _Weights) -> dict[str, Any]:
    row = layer.row
    kind = "same" if row.operation in SAME_VALUES else row.operation
    operation: dict[str, Any] = {
        "kind": kind,
        "path": row.path,
        "inputs": [-1 if one.row is None else one.row for one in layer.inputs],
        "shape": list(layer.maps),
        "field": field_data(layer),
    }
    if kind in ("conv", "dense"):
        operation |= weights.add(row.path)
    if layer.window is not None:
        operation["window"] = _window(layer.window)
    return operation


def _window(window: Window) -> dict[str, Any]:
    return {
        "size": list(window.kernel),
        "stride": list(window.stride),
        "pads": [list(pads) for pads in window.pads],
        "dilation": list(window.dilation),
        "groups": window.groups,
    }
