"""Sums that are divided by the number of their values: means, and average pools."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.export.onnx.graph import WINDOW_SUM, GraphBuilder, Node
from zoo.export.onnx.program import Constant, Step
from zoo.export.onnx.tensors import Tensor


def average(graph: GraphBuilder, step: Step, operands: Sequence[Tensor | Constant]) -> Tensor | None:
    """The mean whose sum `operands` divides by a constant (or multiplies with its inverse); None for all else.

    The number of values may depend on the image size, where the mean does not.
    """
    if step.primitive not in ("div", "mul"):
        return None
    total, divisor = operands
    if step.primitive == "mul" and isinstance(total, Constant):
        total, divisor = divisor, total
    if not isinstance(total, Tensor) or not isinstance(divisor, Constant):
        return None
    arrays = [np.asarray(array, np.float64) for array in divisor.arrays]
    with np.errstate(divide="ignore"):
        counts = arrays if step.primitive == "div" else [1 / array for array in arrays]
    producer = graph.producers.get(total.name)
    if producer is None:
        return None
    if producer.op == "ReduceSum":
        return _mean(graph, total, producer, counts)
    if producer.op == WINDOW_SUM:
        return _average_pool(graph, total, producer, counts)
    if producer.op == "Mul" and (pool := graph.producers.get(producer.inputs[0])) and pool.op == "AveragePool":
        return _average_pool(graph, total, pool, counts)
    return None


def _mean(graph: GraphBuilder, total: Tensor, producer: Node, counts: Sequence[np.ndarray]) -> Tensor | None:
    source, axes = producer.inputs
    positions = [int(axis) for axis in graph.constants[axes]]
    for shape, count in zip(graph.shapes[source], counts, strict=True):
        size = math.prod(shape[position] for position in positions)
        if not np.allclose(count, size, rtol=1e-5):
            return None
    rank = len(graph.shapes[source][0])
    if rank >= 4 and positions == list(range(2, rank)):
        name = graph.node("GlobalAveragePool", [source], graph.shapes[total.name])
    else:
        name = graph.node("ReduceMean", [source, axes], graph.shapes[total.name], attributes={"keepdims": 1})
    return Tensor(name, total.shapes, total.order, total.index_orders)


def _average_pool(graph: GraphBuilder, total: Tensor, pool: Node, counts: Sequence[np.ndarray]) -> Tensor | None:
    spatial = [axis for axis in total.order[2:] if axis is not None]
    grids = [grid for grid in (_on_axes(count, total.rank, spatial) for count in counts) if grid is not None]
    if len(grids) < len(counts):
        return None
    sizes = [shape[2:] for shape in graph.shapes[pool.inputs[0]]]
    outputs = [shape[2:] for shape in graph.shapes[pool.outputs[0]]]
    for include in (1, 0):
        expected = [_counts(pool.attributes, *each, include=include) for each in zip(sizes, outputs, strict=True)]
        if all(np.allclose(grid, one, rtol=1e-5) for grid, one in zip(grids, expected, strict=True)):
            attributes = {**pool.attributes, "count_include_pad": include}
            name = graph.node("AveragePool", pool.inputs, graph.shapes[total.name], attributes=attributes)
            return Tensor(name, total.shapes, total.order, total.index_orders)
    return None


def _on_axes(count: np.ndarray, rank: int, spatial: Sequence[int]) -> np.ndarray | None:
    """Numbers of values that differ along the axes of the window alone, as an array of these axes."""
    if count.ndim == 0:
        return count
    if count.ndim != rank:
        return None
    for axis in set(range(rank)) - set(spatial):
        if count.shape[axis] > 1 and not (count == count.take([0], axis)).all():
            return None
        count = count.take([0], axis)
    return count.transpose([*(set(range(rank)) - set(spatial)), *spatial]).reshape([count.shape[a] for a in spatial])


def _counts(attributes: dict[str, Any], size: Sequence[int], output: Sequence[int], *, include: int) -> np.ndarray:
    """How many values each window of an AveragePool has, with its padding or without it."""
    grid = np.ones(())
    for axis, (n, m) in enumerate(zip(size, output, strict=True)):
        window, stride, dilation = (attributes[key][axis] for key in ("kernel_shape", "strides", "dilations"))
        if "auto_pad" in attributes:
            total = max((m - 1) * stride + (window - 1) * dilation + 1 - n, 0)
            low, high = total // 2, total - total // 2
        else:
            low, high = attributes["pads"][axis], attributes["pads"][axis + len(size)]
        taps = np.arange(m)[:, None] * stride + np.arange(window) * dilation
        inside = (taps >= 0) & (taps < n + low + high) if include else (taps >= low) & (taps < n + low)
        grid = np.multiply.outer(grid, inside.sum(1))
    return grid
