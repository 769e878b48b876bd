"""What the simplifications of a graph share: who uses a value, and another value in its place."""

from collections import Counter

from zoo.export.onnx.graph import GraphBuilder


def uses(graph: GraphBuilder, outputs: list[str]) -> Counter[str]:
    """How many nodes use each value; one more for an output of the graph."""
    return Counter([name for node in graph.nodes for name in node.inputs] + outputs)


def replace_values(graph: GraphBuilder, outputs: list[str], replacements: dict[str, str]) -> list[str]:
    """Use other values in the place of some, everywhere; returns the outputs. Nodes without use are removed."""

    def final(name: str) -> str:
        while name in replacements:
            name = replacements[name]
        return name

    for node in graph.nodes:
        node.inputs = [final(name) for name in node.inputs]
    return remove_unused(graph, [final(name) for name in outputs])


def remove_unused(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Remove the nodes whose values nobody uses."""
    used, kept = set(outputs), []
    for node in reversed(graph.nodes):
        if used.intersection(node.outputs):
            used.update(node.inputs)
            kept.append(node)
    graph.nodes[:] = kept[::-1]
    return outputs
