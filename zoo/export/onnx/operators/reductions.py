"""Sums, maxima and the like along axes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.movement import as_tensor
from zoo.export.onnx.program import Constant, Step
from zoo.export.onnx.tensors import Tensor, materialized, with_standard_indices

Operands = Sequence[Tensor | Constant]
OPS = {"reduce_sum": "ReduceSum", "reduce_max": "ReduceMax", "reduce_min": "ReduceMin", "reduce_prod": "ReduceProd"}
BOOLEAN = {"reduce_or": "ReduceMax", "reduce_and": "ReduceMin"}
ARGUMENTS = {"argmax": "ArgMax", "argmin": "ArgMin"}


def reduction(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """A reduction; its axes stay in the value with size 1."""
    tensor, axes = as_tensor(graph, operands[0]), step.params[0]["axes"]
    repeated = [axis for axis in axes if axis not in tensor.axes and any(shape[axis] != 1 for shape in tensor.shapes)]
    if repeated and step.primitive in ("reduce_sum", "reduce_prod"):
        tensor = materialized(graph, tensor, range(tensor.rank))
    positions = sorted(tensor.position(axis) for axis in axes if axis in tensor.axes)
    name = tensor.name
    if step.primitive in BOOLEAN:
        name = graph.cast(name, np.int32)
    if positions:
        name = reduced(graph, {**OPS, **BOOLEAN}[step.primitive], name, positions)
    name = graph.cast(name, step.outputs[0].dtype)
    return [_without(tensor, name, axes, step)]


def reduced(graph: GraphBuilder, op: str, name: str, positions: Sequence[int]) -> str:
    """A reduction of a value along some of its axes, which stay with size 1."""
    shapes = [tuple(1 if i in positions else n for i, n in enumerate(shape)) for shape in graph.shapes[name]]
    return graph.node(op, [name, graph.integers(positions)], shapes, attributes={"keepdims": 1})


def arg_reduction(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """The position of the first largest or smallest value along an axis."""
    (axis,) = step.params[0]["axes"]
    tensor = as_tensor(graph, operands[0])
    tensor = with_standard_indices(graph, tensor, [axis])
    if axis not in tensor.axes:
        tensor = materialized(graph, tensor, range(tensor.rank))
    if graph.dtypes[tensor.name].kind == "b":
        tensor = replace(tensor, name=graph.cast(tensor.name, np.int32))
    position = tensor.position(axis)
    shapes = [tuple(1 if i == position else n for i, n in enumerate(shape)) for shape in graph.shapes[tensor.name]]
    attributes = {"axis": position, "keepdims": 1}
    name = graph.node(ARGUMENTS[step.primitive], [tensor.name], shapes, np.int64, attributes)
    return [_without(tensor, graph.cast(name, step.outputs[0].dtype), (axis,), step)]


def _without(tensor: Tensor, name: str, axes: Sequence[int], step: Step) -> Tensor:
    kept = [axis for axis in range(tensor.rank) if axis not in axes]
    renaming: dict[int, int | None] = dict.fromkeys(axes)
    renaming.update({old: new for new, old in enumerate(kept)})
    return Tensor(name, tensor.shapes, tensor.order, tensor.index_orders).renamed(renaming, step.outputs[0].shapes)


def cumulative_sum(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Sums of all values up to each position."""
    tensor, axis = as_tensor(graph, operands[0]), step.params[0]["axis"]
    if axis not in tensor.axes:
        tensor = materialized(graph, tensor, range(tensor.rank))
    tensor = with_standard_indices(graph, tensor, [axis])
    position = graph.constant(np.asarray(tensor.position(axis), np.int64))
    attributes = {"reverse": int(step.params[0]["reverse"])}
    name = graph.node("CumSum", [tensor.name, position], attributes=attributes)
    return [Tensor(name, tensor.shapes, tensor.order, tensor.index_orders)]
