"""Averages of evenly spread windows, as many for each image size: adaptive pools."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.program import Shape
from zoo.export.onnx.tensors import Tensor


def adaptive_average(
    graph: GraphBuilder, tensor: Tensor, axis: int, matrices: Sequence[np.ndarray], shapes: Sequence[Shape]
) -> Tensor | None:
    """The tensor times the matrices along an axis; None where they are the same, or not those of an adaptive pool.

    The graph computes the matrix from the size of the axis: ONNX has no node for it.
    """
    targets = {matrix.shape[1] for matrix in matrices}
    if len({len(matrix) for matrix in matrices}) == 1 or len(targets) > 1:
        return None
    if not all(np.allclose(matrix, _matrix(*matrix.shape), atol=1e-3, rtol=0) for matrix in matrices):
        return None
    position = tensor.position(axis)
    is_columns = position == len(tensor.order) - 1
    matrix = _computed(graph, tensor.name, position, targets.pop(), is_columns)
    new = [
        (*old[:position], shape[axis], *old[position + 1 :])
        for old, shape in zip(graph.shapes[tensor.name], shapes, strict=True)
    ]
    factors = [tensor.name, matrix] if is_columns else [matrix, tensor.name]
    name = graph.node("MatMul", factors, new)
    return replace(tensor, name=name, shapes=tuple(map(tuple, shapes)))


def _matrix(size: int, target: int) -> np.ndarray:
    """[size, target]: column i averages from floor(i * size / target) up to ceil((i + 1) * size / target)."""
    positions, i = np.arange(size)[:, None], np.arange(target)
    inside = (positions >= i * size // target) & (positions < -(-(i + 1) * size // target))
    return inside / inside.sum(0)


def _computed(graph: GraphBuilder, name: str, position: int, target: int, is_columns: bool) -> str:
    """That matrix, or its transpose [target, size], from the size along an axis of a value."""
    sizes = [shape[position] for shape in graph.shapes[name]]

    def number(value: int) -> str:
        return graph.constant(np.asarray(value, np.int64))

    def windows(values: np.ndarray) -> str:
        return graph.constant(values.astype(np.int64) if is_columns else values.astype(np.int64)[:, None])

    size = graph.size_of(name, position)
    pixels = graph.node("Range", [number(0), size, number(1)], [(n,) for n in sizes])
    if is_columns:
        pixels = graph.node("Unsqueeze", [pixels, graph.integers([1])], [(n, 1) for n in sizes])
    start = graph.binary("Div", graph.binary("Mul", windows(np.arange(target)), size), number(target))
    last = graph.binary("Add", graph.binary("Mul", windows(np.arange(1, target + 1)), size), number(target - 1))
    end = graph.binary("Div", last, number(target))
    after, before = (graph.binary(op, pixels, at, bool) for op, at in (("GreaterOrEqual", start), ("Less", end)))
    inside = graph.cast(graph.binary("And", after, before), graph.dtypes[name])
    return graph.binary("Div", inside, graph.cast(graph.binary("Sub", end, start), graph.dtypes[name]))
