"""Whether a network ends in a softmax or a sigmoid, read from the graph of its operations."""

from collections.abc import Mapping

from zoo.counting.graph import Graph, Operation

# These change no value.
MOVEMENTS = {
    "reshape",
    "squeeze",
    "broadcast_in_dim",
    "convert_element_type",
    "copy",
    "stop_gradient",
    "name",
    "transpose",
}


def is_probability(graph: Graph) -> bool:
    """Whether the last operation is a sigmoid, or divides exponentials by their sum."""
    made_by = {op.output: op for op in graph.operations}
    last = _before_movements(made_by, max(graph.outputs, default=0))
    if last is None or last.name == "logistic":
        return last is not None
    if last.name != "div" or len(last.inputs) != 2:
        return False
    exponential, total = (_before_movements(made_by, value) for value in last.inputs)
    if exponential is None or total is None or exponential.name != "exp" or total.name != "reduce_sum":
        return False
    return _before_movements(made_by, total.inputs[0]) is exponential


def _before_movements(made_by: Mapping[int, Operation], value: int) -> Operation | None:
    """The operation that computed a value; None for the image."""
    operation = made_by.get(value)
    while operation is not None and operation.name in MOVEMENTS and operation.inputs:
        operation = made_by.get(operation.inputs[0])
    return operation
