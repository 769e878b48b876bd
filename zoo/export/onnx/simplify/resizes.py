"""Resizes of one axis each as one of both."""

from typing import Any

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.rewriting import remove_unused, uses


def merge_resizes(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """One Resize for two in a row of different axes, with the same interpolation."""
    counts = uses(graph, outputs)
    for node in graph.nodes:
        inner = graph.producers.get(node.inputs[0]) if node.op == "Resize" else None
        if inner is None or inner.op != "Resize" or counts[node.inputs[0]] != 1:
            continue
        if _axes(graph, node) & _axes(graph, inner):
            continue
        if (attributes := _of_both(graph, node, inner)) is not None:
            node.inputs, node.attributes = list(inner.inputs), attributes
    return remove_unused(graph, outputs)


def _axes(graph: GraphBuilder, node: Node) -> set[int]:
    """The axes whose sizes change."""
    pairs = zip(graph.shapes[node.inputs[0]], graph.shapes[node.outputs[0]], strict=True)
    return {axis for old, new in pairs for axis in range(len(old)) if old[axis] != new[axis]}


def _of_both(graph: GraphBuilder, node: Node, inner: Node) -> dict[str, Any] | None:
    """The attributes of both; antialiasing changes nothing where an axis grows."""
    first, second = (_without_antialias(one) for one in (node, inner))
    shrinking = [one.attributes for one in (node, inner) if _shrinks(graph, one)] or [node.attributes]
    if first != second or any(one.get("antialias") != shrinking[0].get("antialias") for one in shrinking):
        return None
    return shrinking[0]


def _without_antialias(node: Node) -> dict[str, Any]:
    """Of linear filters only antialiased ones can reach beyond the edge."""
    dropped = ("antialias", "exclude_outside") if node.attributes["mode"] == "linear" else ("antialias",)
    return {key: value for key, value in node.attributes.items() if key not in dropped}


def _shrinks(graph: GraphBuilder, node: Node) -> bool:
    pairs = zip(graph.shapes[node.inputs[0]], graph.shapes[node.outputs[0]], strict=True)
    return any(new < old for before, after in pairs for old, new in zip(before, after, strict=True))
