"""Convolutions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.movement import as_tensor
from zoo.export.onnx.operators.window_padding import Pads, WindowSizes, padding_attributes, present
from zoo.export.onnx.program import Constant, Shape, Step
from zoo.export.onnx.tensors import Tensor, common, label_of, materialized, with_standard_indices

Operands = Sequence[Tensor | Constant]


def convolution(graph: GraphBuilder, step: Step, operands: Operands) -> list[Tensor]:
    """Conv, or ConvTranspose where the image is dilated."""
    params = graph.settings(
        step,
        *("batch_group_count", "dimension_numbers", "feature_group_count"),
        *("lhs_dilation", "rhs_dilation", "window_strides"),
    )
    image, kernel = as_tensor(graph, operands[0]), operands[1]
    if params["batch_group_count"] != 1:
        raise graph.refusal("the gradient of a convolution has no ONNX form")
    lhs, rhs, out = params["dimension_numbers"]
    image = present(graph, image, lhs)
    image, kernel_name, features = _channels(graph, image, lhs, kernel, rhs, params["feature_group_count"])
    pads = [one["padding"] for one in step.params]
    shapes = [tuple(shape[axis] for axis in out) for shape in step.outputs[0].shapes]
    build = _transposed if any(n != 1 for n in params["lhs_dilation"]) else _plain
    name = build(graph, image, kernel_name, pads, params, shapes)
    index_orders = {} if features is None else {out[1]: features}
    result = Tensor(graph.cast(name, step.outputs[0].dtype), step.outputs[0].shapes, tuple(out), index_orders)
    return [result]


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
    name, attributes = padding_attributes(graph, image.name, pads, window, ceil_mode=False)
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
    if kernel not in graph.constants:
        raise graph.refusal("a transposed convolution with a kernel that depends on the images has no ONNX form")
    weight = _transposed_kernel(graph, kernel, params["feature_group_count"])
    features, size = graph.shapes[kernel][0][0], graph.shapes[kernel][0][2:]
    strides, dilations = params["lhs_dilation"], params["rhs_dilation"]
    reach = [(n - 1) * d for n, d in zip(size, dilations, strict=True)]
    cut = [(r - low, r - high) for r, (low, high) in zip(reach, fixed, strict=True)]
    inside = [(max(0, low), max(0, high)) for low, high in cut]
    kept = [
        (
            *(shape[0], features),
            *((n - 1) * s + 1 + r - sum(ends) for n, s, r, ends in zip(shape[2:], strides, reach, inside, strict=True)),
        )
        for shape in graph.shapes[image.name]
    ]
    window = WindowSizes(size, strides, dilations).attributes()
    pads_of_both = [low for low, _ in inside] + [high for _, high in inside]
    attributes = {**window, "group": params["feature_group_count"], "pads": pads_of_both}
    name = graph.node("ConvTranspose", [image.name, weight], kept, attributes=attributes)
    name = _with_zeros(graph, name, [(max(0, -low), max(0, -high)) for low, high in cut])
    return _every(graph, name, params["window_strides"], shapes)


def _transposed_kernel(graph: GraphBuilder, kernel: str, groups: int) -> str:
    """[channels, features / groups, ...] of [features, channels / groups, ...], flipped."""
    array = graph.constants[kernel]
    features, channels, *size = array.shape
    flipped = np.flip(array, tuple(range(2, array.ndim)))
    grouped = flipped.reshape(groups, features // groups, channels, *size).swapaxes(1, 2)
    return graph.constant(grouped.reshape(groups * channels, features // groups, *size), graph.labels.get(kernel, ()))


def _with_zeros(graph: GraphBuilder, name: str, outside: Sequence[tuple[int, int]]) -> str:
    """Zeros around images: where no pixel reaches, before the bias."""
    if not any(map(any, outside)):
        return name
    larger = [
        (*shape[:2], *(n + low + high for n, (low, high) in zip(shape[2:], outside, strict=True)))
        for shape in graph.shapes[name]
    ]
    both = [0, 0, *(low for low, _ in outside), 0, 0, *(high for _, high in outside)]
    return graph.node("Pad", [name, graph.integers(both)], larger, attributes={"mode": "constant"})


def _every(graph: GraphBuilder, name: str, strides: Sequence[int], shapes: Sequence[Shape]) -> str:
    """Every stride-th pixel along each spatial axis."""
    if all(stride == 1 for stride in strides):
        return name
    axes = list(range(2, len(shapes[0])))
    inputs = [[0] * len(axes), [np.iinfo(np.int64).max] * len(axes), axes, list(strides)]
    return graph.node("Slice", [name, *map(graph.integers, inputs)], shapes)
