"""The padding of windows as attributes of nodes, also where it depends on a free image size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.tensors import Tensor, arranged, materialized, with_standard_indices

Pads = Sequence[Sequence[int]]  # (low, high) of each axis


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


def padding_attributes(
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
    # ONNX Runtime refuses pools whose stride is larger than the window, where they pad so.
    pads_less_than_nothing = ceil_mode and any(stride > window.span(axis) for axis, stride in enumerate(window.strides))
    if not pads_less_than_nothing and all(map(_is_same_upper, pads, sizes, [window] * len(pads))):
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


def present(graph: GraphBuilder, image: Tensor, order: Sequence[int | None]) -> Tensor:
    """The tensor in this order with all axes that repeat values."""
    image = arranged(graph, image, tuple(order))
    repeated = any(
        axis not in image.axes and any(shape[axis] != 1 for shape in image.shapes) for axis in range(image.rank)
    )
    if repeated:
        return materialized(graph, image, order)
    return with_standard_indices(graph, image, [axis for axis in image.index_orders if axis != order[1]])
