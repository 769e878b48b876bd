"""Softmax, written as an exponential divided by its sum."""

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.rewriting import remove_unused


def recognise_softmax(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """One Softmax for exp(x - max(x)) / sum(exp(x - max(x))) along one axis, one LogSoftmax for its logarithm."""
    for node in graph.nodes:
        if node.op == "Sub" and (found := _log_softmax(graph, node)):
            source, axis = found
            node.op, node.inputs, node.attributes = "LogSoftmax", [source], {"axis": axis}
        if node.op == "Div" and (found := _softmax(graph, node)):
            source, axis = found
            node.op, node.inputs, node.attributes = "Softmax", [source], {"axis": axis}
    return remove_unused(graph, outputs)


def _softmax(graph: GraphBuilder, division: Node) -> tuple[str, int] | None:
    exponential, total = (graph.producers.get(name) for name in division.inputs)
    return None if exponential is None or total is None else _of_sum(graph, exponential, total)


def _log_softmax(graph: GraphBuilder, difference: Node) -> tuple[str, int] | None:
    """The source and axis of x - max(x) - log(sum(exp(x - max(x))))."""
    logarithm = graph.producers.get(difference.inputs[1])
    total = graph.producers.get(logarithm.inputs[0]) if logarithm is not None and logarithm.op == "Log" else None
    exponential = graph.producers.get(total.inputs[0]) if total is not None else None
    if total is None or exponential is None or exponential.inputs[0] != difference.inputs[0]:
        return None
    return _of_sum(graph, exponential, total)


def _of_sum(graph: GraphBuilder, exponential: Node, total: Node) -> tuple[str, int] | None:
    """The source and axis of exp(x - max(x)), of which `total` is the sum."""
    if (exponential.op, total.op) != ("Exp", "ReduceSum"):
        return None
    shifted = graph.producers.get(exponential.inputs[0])
    if total.inputs[0] != exponential.outputs[0] or shifted is None or shifted.op != "Sub":
        return None
    largest = graph.producers.get(shifted.inputs[1])
    if largest is None or largest.op != "ReduceMax" or largest.inputs[0] != shifted.inputs[0]:
        return None
    axes = [graph.constants[one.inputs[1]].tolist() for one in (total, largest)]
    return (shifted.inputs[0], axes[0][0]) if axes[0] == axes[1] and len(axes[0]) == 1 else None
