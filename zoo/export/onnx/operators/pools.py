"""Pools: maxima, minima and sums of windows."""

import math
from collections.abc import Sequence

import numpy as np

from zoo.export.onnx.graph import WINDOW_SUM, GraphBuilder
from zoo.export.onnx.operators.movement import as_tensor
from zoo.export.onnx.operators.window_padding import Pads, WindowSizes, padding_attributes, present
from zoo.export.onnx.program import Constant, Shape, Step
from zoo.export.onnx.tensors import Order, Tensor, with_standard_indices

Operands = Sequence[Tensor | Constant]


def pool(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """reduce_window_max, reduce_window_min, reduce_window_sum: MaxPool, or AveragePool times the size of the window."""
    image = as_tensor(graph, operands[0])
    params = graph.settings(step, "window_dimensions", "window_strides", "window_dilation", "base_dilation")
    if any(n != 1 for n in params["base_dilation"]):
        raise graph.refusal("a pool over an image with holes has no ONNX form")
    sizes, strides = params["window_dimensions"], params["window_strides"]
    window_axes = [
        axis
        for axis, (size, stride, *pads) in enumerate(
            zip(sizes, strides, *(one["padding"] for one in step.params), strict=True)
        )
        if size != 1 or stride != 1 or any(tuple(pad) != (0, 0) for pad in pads)
    ]
    if len(window_axes) > 3:
        raise graph.refusal("a pool along more than three axes has no ONNX form")
    is_integer = step.outputs[0].dtype.kind in "iub"
    if is_integer and step.primitive == "reduce_window_sum":
        raise graph.refusal("a pool that adds integers has no ONNX form: make them float32 before it")
    order = _pool_order(image, window_axes)
    spatial = [axis for axis in order[2:] if axis is not None]
    image = with_standard_indices(graph, present(graph, image, order), spatial)
    keys = ("window_dimensions", "window_strides", "window_dilation")
    window = WindowSizes(*([params[key][axis] for axis in spatial] for key in keys))
    pads: Sequence[Pads] = [[one["padding"][axis] for axis in spatial] for one in step.params]
    outputs = [tuple(1 if axis is None else shape[axis] for axis in order) for shape in step.outputs[0].shapes]
    absent = [i for i, axis in enumerate(order[:2]) if axis not in image.axes]
    physical = [tuple(1 if i in absent else n for i, n in enumerate(shape)) for shape in outputs]
    if step.primitive == "reduce_window_sum":
        name = _window_sum(graph, image.name, pads, window, physical)
    else:
        sign = step.primitive == "reduce_window_min"
        source = graph.cast(image.name, np.float64) if is_integer else image.name
        source = graph.node("Neg", [source]) if sign else source
        source, pads = _padded_apart(graph, source, pads, window, -np.inf)
        name, attributes = padding_attributes(graph, source, pads, window, ceil_mode=True)
        name = graph.node("MaxPool", [name], physical, attributes={**window.attributes(), **attributes})
        name = graph.cast(graph.node("Neg", [name]) if sign else name, step.outputs[0].dtype)
    result_order = tuple(axis if axis in image.axes or i >= 2 else None for i, axis in enumerate(order))
    return [Tensor(name, step.outputs[0].shapes, result_order, image.index_orders)]


def _pool_order(image: Tensor, window_axes: Sequence[int]) -> Order:
    """An order with the axes of the window last, after two others, for the nodes of ONNX."""
    spatial = list(window_axes)
    others = [axis for axis in image.axes if axis not in spatial]
    others += [axis for axis in range(image.rank) if axis not in spatial and axis not in others]
    # A window that does nothing along an axis may have it: [b, h, w, c] with a window along h alone.
    while len(others) > 2:
        spatial = sorted([*spatial, next(axis for axis in others[1:] if axis != image.rank - 1)])
        others = [axis for axis in others if axis not in spatial]
    return (*[None] * (2 - len(others)), *others, *spatial)


def _window_sum(
    graph: GraphBuilder, name: str, pads: Sequence[Pads], window: WindowSizes, shapes: Sequence[Shape]
) -> str:
    """The sum as a mean times the number of values. `averages` replaces it where it is divided again."""
    name, pads = _padded_apart(graph, name, pads, window, 0.0)
    name, padding = padding_attributes(graph, name, pads, window, ceil_mode=True)
    attributes = {**window.attributes(), **padding, "count_include_pad": 1}
    if "ceil_mode" in padding:  # The last windows have fewer values, by which a mean is divided.
        return graph.node(WINDOW_SUM, [name], shapes, attributes=attributes)
    mean = graph.node("AveragePool", [name], shapes, attributes=attributes)
    return graph.binary("Mul", mean, graph.scalar(math.prod(window.size), mean))


def _padded_apart(
    graph: GraphBuilder, name: str, pads: Sequence[Pads], window: WindowSizes, fill: float
) -> tuple[str, Sequence[Pads]]:
    """The value padded by a node of its own, where a window could lie in the padding alone, which pools refuse."""
    if not any(max(pad) >= n for one in pads for pad, n in zip(one, window.size, strict=True)):
        return name, pads
    fixed = graph.same(pads, "the padding of a pool")
    shapes = [
        (*shape[:2], *(n + low + high for n, (low, high) in zip(shape[2:], fixed, strict=True)))
        for shape in graph.shapes[name]
    ]
    both = [0, 0, *(low for low, _ in fixed), 0, 0, *(high for _, high in fixed)]
    inputs = [name, graph.integers(both), graph.scalar(fill, name)]
    padded = graph.node("Pad", inputs, shapes, attributes={"mode": "constant"})
    return padded, [[(0, 0)] * len(fixed)] * len(pads)
