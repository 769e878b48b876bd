"""Nodes that compute the same as an earlier one."""

from typing import Any

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.simplify.rewriting import replace_values

SMALL = 64  # values of a constant that is compared


def merge_duplicates(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Use the first of the nodes that do the same with the same inputs, as Flax subtracts a mean twice."""
    first: dict[Any, str] = {}
    replacements: dict[str, str] = {}
    for node in graph.nodes:
        inputs = [replacements.get(name, name) for name in node.inputs]
        attributes = sorted((key, str(value)) for key, value in node.attributes.items())
        # The shape is what a Reshape does.
        key = (node.op, graph.shapes[node.outputs[0]], *(_content(graph, name) for name in inputs), *attributes)
        replacement = first.setdefault(key, node.outputs[0])
        if replacement != node.outputs[0]:
            replacements[node.outputs[0]] = replacement
    return replace_values(graph, outputs, replacements)


def _content(graph: GraphBuilder, name: str) -> Any:
    """The name of a value; what a small constant is."""
    array = graph.constants.get(name)
    if array is None or array.size > SMALL:
        return name
    return array.dtype.str, array.shape, array.tobytes()
