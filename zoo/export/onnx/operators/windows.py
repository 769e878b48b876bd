"""Convolutions and pools."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.movement import as_tensor
from zoo.export.onnx.program import Constant, Shape, Step
from zoo.export.onnx.tensors import Tensor, arranged, common, label_of, materialized, with_standard_indices

Operands = Sequence[Tensor | Constant]
Pads = Sequence[Sequence[int]]  # (low, high) of each axis


def convolution(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Conv, or ConvTranspose where the image is dilated."""
    params = step.params[0]
    image, kernel = as_tensor(graph, operands[0]), operands[1]
    if params["batch_group_count"] != 1:
        raise graph.refusal("the gradient of a convolution has no ONNX form")
    lhs, rhs, out = params["dimension_numbers"]
    image = _present(graph, image, lhs)
    image, kernel_name, features = _channels(graph, image, lhs, kernel, rhs, params["feature_group_count"])
    pads = [one["padding"] for one in step.params]
    shapes = [tuple(shape[axis] for axis in out) for shape in step.outputs[0].shapes]
    build = _transposed if any(n != 1 for n in params["lhs_dilation"]) else _plain
    name = build(graph, image, kernel_name, pads, params, shapes)
    index_orders = {} if features is None else {out[1]: features}
    result = Tensor(graph.cast(name, step.outputs[0].dtype), step.outputs[0].shapes, tuple(out), index_orders)
    return [result]


def _present(graph: GraphBuilder, image: Tensor, order: Sequence[int]) -> Tensor:
    """The tensor in this order with all axes that repeat values."""
    image = arranged(graph, image, tuple(order))
    repeated = any(
        axis not in image.axes and any(shape[axis] != 1 for shape in image.shapes) for axis in range(image.rank)
    )
    if repeated:
        return materialized(graph, image, order)
    return with_standard_indices(graph, image, [axis for axis in image.index_orders if axis != order[1]])


def _channels(
    graph: GraphBuilder,
    image: Tensor,
    lhs: Sequence[int],
    kernel: Tensor | Constant,
    rhs: Sequence[int],
    groups: int,
) -> tuple[Tensor, str, np.ndarray | None]:
    """The kernel as [features, channels / groups, ...], its channels in the order of the image's.

    The third result is the order of the features of the output, if that is another one.
    """
    order = image.index_orders.get(lhs[1])
    if order is not None and (isinstance(kernel, Tensor) or groups != 1):
        one_to_one = isinstance(kernel, Constant) and groups == len(order) == kernel.shapes[0][rhs[0]]
        if not one_to_one:
            image, order = with_standard_indices(graph, image), None
    if isinstance(kernel, Tensor):
        return image, materialized(graph, kernel, rhs).name, None
    array = common(graph, kernel).transpose(rhs)
    if order is None:
        return image, graph.constant(array, label_of(kernel)), None
    if groups == 1:
        return image, graph.constant(array.take(order, 1), label_of(kernel)), None
    return image, graph.constant(array.take(order, 0), label_of(kernel)), order


def _plain(
    graph: GraphBuilder,
    image: Tensor,
    kernel: str,
    pads: Sequence[Pads],
    params: Mapping[str, Any],
    shapes: Sequence[Shape],
) -> str:
    window = WindowSizes(graph.shapes[kernel][0][2:], params["window_strides"], params["rhs_dilation"])
    name, attributes = _padding(graph, image.name, pads, window, ceil_mode=False)
    attributes |= {"group": params["feature_group_count"]}
    return graph.node("Conv", [name, kernel], shapes, attributes={**window.attributes(), **attributes})


def _transposed(
    graph: GraphBuilder,
    image: Tensor,
    kernel: str,
    pads: Sequence[Pads],
    params: Mapping[str, Any],
    shapes: Sequence[Shape],
) -> str:
    """A convolution of an image with zeros between its pixels is the transpose of one with a stride."""
    fixed = graph.same(pads, "the padding of a transposed convolution")
    groups, array = params["feature_group_count"], graph.constants.get(kernel)
    if array is None:
        raise graph.refusal("a transposed convolution with a kernel that depends on the images has no ONNX form")
    features, channels, *size = array.shape
    flipped = np.flip(array, tuple(range(2, array.ndim)))
    grouped = flipped.reshape(groups, features // groups, channels, *size).swapaxes(1, 2)
    weight = graph.constant(grouped.reshape(groups * channels, features // groups, *size), graph.labels.get(kernel, ()))
    reach = [(n - 1) * d for n, d in zip(size, params["rhs_dilation"], strict=True)]
    strides = params["lhs_dilation"]
    cut = [[r - low, r - high] for r, (low, high) in zip(reach, fixed, strict=True)]
    full = [
        (*shape[:1], features, *((n - 1) * s + 1 + r for n, s, r in zip(shape[2:], strides, reach, strict=True)))
        for shape in graph.shapes[image.name]
    ]
    inside = [[max(0, low), max(0, high)] for low, high in cut]
    kept = [(*shape[:2], *(n - low - high for n, (low, high) in zip(shape[2:], inside, strict=True))) for shape in full]
    attributes = {
        "kernel_shape": size,
        "strides": list(strides),
        "dilations": list(params["rhs_dilation"]),
        "group": groups,
        "pads": [low for low, _ in inside] + [high for _, high in inside],
    }
    name = graph.node("ConvTranspose", [image.name, weight], kept, attributes=attributes)
    outside = [[max(0, -low), max(0, -high)] for low, high in cut]
    if any(map(any, outside)):  # Where no pixel of the image reaches, before the bias.
        larger = [
            (*shape[:2], *(n + low + high for n, (low, high) in zip(shape[2:], outside, strict=True))) for shape in kept
        ]
        both = [0, 0, *(low for low, _ in outside), 0, 0, *(high for _, high in outside)]
        name = graph.node("Pad", [name, graph.integers(both)], larger, attributes={"mode": "constant"})
    if any(stride != 1 for stride in params["window_strides"]):
        axes = list(range(2, array.ndim))
        inputs = [[0] * len(axes), [np.iinfo(np.int64).max] * len(axes), axes, list(params["window_strides"])]
        name = graph.node("Slice", [name, *map(graph.integers, inputs)], shapes)
    return name


@dataclass(frozen=True)
class WindowSizes:
    """A window on its spatial axes."""

    size: Sequence[int]
    strides: Sequence[int]
    dilations: Sequence[int]

    def attributes(self) -> dict[str, Any]:
        """The attributes that nodes with a window share."""
        return {"kernel_shape": list(self.size), "strides": list(self.strides), "dilations": list(self.dilations)}

    def span(self, axis: int) -> int:
        """The pixels from the first to the last one that the window reads along an axis."""
        return (self.size[axis] - 1) * self.dilations[axis] + 1


def _padding(
    graph: GraphBuilder, name: str, pads: Sequence[Pads], window: WindowSizes, *, ceil_mode: bool
) -> tuple[str, dict[str, Any]]:
    """The value, cut where padding is negative, and the attributes that pad it, whatever the free image size is."""
    sizes = [shape[2:] for shape in graph.shapes[name]]
    if len({tuple(map(tuple, one)) for one in pads}) == 1:
        fixed = pads[0]
        cut = [(min(0, low), min(0, high)) for low, high in fixed]
        if any(map(any, cut)):
            name = _cut(graph, name, cut)
        return name, {"pads": [max(0, low) for low, _ in fixed] + [max(0, high) for _, high in fixed]}
    if all(_is_same_upper(one, size, window) for one, size in zip(pads, sizes, strict=True)):
        return name, {"auto_pad": "SAME_UPPER"}
    if ceil_mode:
        lows = {tuple(low for low, _ in one) for one in pads}
        base = [min(one[axis][1] for one in pads) for axis in range(len(window.size))]
        for highs in (next(iter(lows)), base):
            if len(lows) == 1 and all(
                _is_ceil(one, size, window, highs) for one, size in zip(pads, sizes, strict=True)
            ):
                return name, {"pads": [*next(iter(lows)), *highs], "ceil_mode": 1}
    raise graph.refusal("its padding depends on the image size: export it with a fixed size")


def _is_same_upper(pads: Pads, size: Sequence[int], window: WindowSizes) -> bool:
    for axis, (n, stride, (low, high)) in enumerate(zip(size, window.strides, pads, strict=True)):
        total = max((-(-n // stride) - 1) * stride + window.span(axis) - n, 0)
        if (low, high) != (total // 2, total - total // 2):
            return False
    return True


def _is_ceil(pads: Pads, size: Sequence[int], window: WindowSizes, highs: Sequence[int]) -> bool:
    """Whether rounding the output size up, with `highs` at the end, has as many windows as these pads."""
    for axis, (n, stride, (low, high), base) in enumerate(zip(size, window.strides, pads, highs, strict=True)):
        slack = n + low + base - window.span(axis)
        last = -(-slack // stride)
        if last * stride >= n + low:
            last -= 1
        if (n + low + high - window.span(axis)) // stride != last:
            return False
    return True


def _cut(graph: GraphBuilder, name: str, cut: Sequence[tuple[int, int]]) -> str:
    shapes = [
        (*shape[:2], *(n + low + high for n, (low, high) in zip(shape[2:], cut, strict=True)))
        for shape in graph.shapes[name]
    ]
    axes = list(range(2, len(cut) + 2))
    ends = [high or np.iinfo(np.int64).max for _, high in cut]
    return graph.node("Slice", [name, *map(graph.integers, ([-low for low, _ in cut], ends, axes))], shapes)


def pool(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """reduce_window_max, reduce_window_min, reduce_window_sum: MaxPool, or AveragePool times the size of the window."""
    params, image = step.params[0], as_tensor(graph, operands[0])
    if any(n != 1 for n in params["base_dilation"]):
        raise graph.refusal("a pool over an image with holes has no ONNX form")
    window_axes = [
        axis
        for axis, (size, stride, pad) in enumerate(
            zip(params["window_dimensions"], params["window_strides"], params["padding"], strict=True)
        )
        if size != 1 or stride != 1 or tuple(pad) != (0, 0)
    ]
    order = _pool_order(image, window_axes)
    spatial = order[2:]
    image = with_standard_indices(graph, _present(graph, image, order), spatial)
    keys = ("window_dimensions", "window_strides", "window_dilation")
    window = WindowSizes(*([params[key][axis] for axis in spatial] for key in keys))
    pads: Sequence[Pads] = [[one["padding"][axis] for axis in spatial] for one in step.params]
    outputs = [tuple(shape[axis] for axis in order) for shape in step.outputs[0].shapes]
    absent = [i for i, axis in enumerate(order[:2]) if axis not in image.axes]
    physical = [tuple(1 if i in absent else n for i, n in enumerate(shape)) for shape in outputs]
    if step.primitive == "reduce_window_sum":
        name = _window_sum(graph, image.name, pads, window, physical)
    else:
        sign = step.primitive == "reduce_window_min"
        source = graph.node("Neg", [image.name]) if sign else image.name
        source, pads = _padded_apart(graph, source, pads, window, -np.inf)
        name, attributes = _padding(graph, source, pads, window, ceil_mode=True)
        name = graph.node("MaxPool", [name], physical, attributes={**window.attributes(), **attributes})
        name = graph.node("Neg", [name]) if sign else name
    result_order = tuple(axis if axis in image.axes or i >= 2 else None for i, axis in enumerate(order))
    return [Tensor(name, step.outputs[0].shapes, result_order, image.index_orders)]


def _pool_order(image: Tensor, window_axes: Sequence[int]) -> tuple[int, ...]:
    """An order with the axes of the window last, after two others, for the nodes of ONNX."""
    spatial = list(window_axes)
    others = [axis for axis in image.axes if axis not in spatial]
    others += [axis for axis in range(image.rank) if axis not in spatial and axis not in others]
    # A window that does nothing along an axis may have it: [b, h, w, c] with a window along h alone.
    while len(others) > 2:
        spatial = sorted([*spatial, next(axis for axis in others[1:] if axis != image.rank - 1)])
        others = [axis for axis in others if axis not in spatial]
    return (*others, *spatial)


def _window_sum(
    graph: GraphBuilder, name: str, pads: Sequence[Pads], window: WindowSizes, shapes: Sequence[Shape]
) -> str:
    """The sum as a mean times the number of values. `averages` replaces it where it is divided again."""
    name, pads = _padded_apart(graph, name, pads, window, 0.0)
    name, padding = _padding(graph, name, pads, window, ceil_mode=True)
    attributes = {**window.attributes(), **padding, "count_include_pad": 1}
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
