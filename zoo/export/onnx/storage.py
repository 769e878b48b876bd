"""Weights stored in another type than that in which the network computes."""

from typing import Any

import numpy as np

from zoo.export.onnx.graph import GraphBuilder

MIN_STORED = 65  # values of an array for which it is worth a node


def store_weights(graph: GraphBuilder, dtype: Any) -> None:
    """Store kernels, float32 arrays of two axes or more, in another type; a Cast makes them float32 again.

    Runtimes do that once, when they load the file. So a type serves for which they have no convolutions.
    """
    nodes, graph.nodes = graph.nodes, []
    stored: dict[str, str] = {}
    for node in nodes:
        graph.path = node.path
        for i, name in enumerate(node.inputs):
            array = graph.constants.get(name)
            if array is None or array.dtype != np.float32 or array.ndim < 2 or array.size < MIN_STORED:
                continue
            if name not in stored:
                narrow = graph.constant(array.astype(dtype), graph.labels.get(name, ()))
                stored[name] = graph.cast(narrow, np.float32)
            node.inputs[i] = stored[name]
        graph.nodes.append(node)
