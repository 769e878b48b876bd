"""Constant matrices and indices that resample rows or columns of images, as one node Resize each.

JAX resizes by a product with a matrix of weights for each axis, whose sizes follow from the image size. They are
recognised by their values, whoever computed them: a Resize of any image size has the same form. OpenVINO (2026.4)
passes over the attributes `antialias` and `exclude_outside`: where the size is fixed, such products stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.operators.adaptive_average import adaptive_average
from zoo.export.onnx.program import Constant, Shape
from zoo.export.onnx.tensors import Tensor

# Runtimes compute positions from sizes in float32, as JAX does.
MAX_DIFFERENCE = 2e-5
MAX_HALF_DIFFERENCE = 2e-3
FLOATS = ("float32", "float16")
# Types for which ONNX Runtime has the node Resize.
REPEATED = (*FLOATS, "int32", "uint8", "int8")


@dataclass(frozen=True)
class Filter:
    """An interpolation of ONNX: `cubic` is the coefficient of its cubic function, None for a linear one."""

    cubic: float | None = None
    exclude_outside: bool = True
    antialias: bool = False
    align_corners: bool = False

    def attributes(self) -> dict[str, Any]:
        """Those of the node Resize."""
        coordinates = "align_corners" if self.align_corners else "half_pixel"
        known: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": coordinates}
        if self.cubic is not None:
            known |= {"mode": "cubic", "cubic_coeff_a": self.cubic}
        if self.antialias:
            known["antialias"] = 1
        if self.exclude_outside and (self.antialias or self.cubic is not None):
            known["exclude_outside"] = 1
        return known

    @property
    def is_in_all_runtimes(self) -> bool:
        """Whether the node needs none of the attributes that some runtimes pass over."""
        return not self.attributes().keys() & {"antialias", "exclude_outside"}

    def matrix(self, old: int, new: int) -> np.ndarray:
        """[old, new]: the part of each old pixel in each new one. Keys 1981; PIL where it is antialiased."""
        scale = (old - 1) / (new - 1) if self.align_corners else old / new
        positions = np.arange(new) * scale if self.align_corners else (np.arange(new) + 0.5) * scale - 0.5
        reach = max(1.0, scale) if self.antialias else 1.0
        outside = 0 if self.exclude_outside else 2
        pixels = np.arange(-outside, old + outside)
        weights = self._values(np.abs(positions - pixels[:, None]) / reach)
        if outside:  # Pixels beyond the edge have the value of the edge.
            inside = weights[outside:-outside]
            inside[0] += weights[:outside].sum(0)
            inside[-1] += weights[-outside:].sum(0)
            weights = inside
        return weights / weights.sum(0)

    def _values(self, distance: np.ndarray) -> np.ndarray:
        if self.cubic is None:
            return np.maximum(0, 1 - distance)
        a = self.cubic
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        far = a * (((distance - 5) * distance + 8) * distance - 4)
        return np.where(distance < 1, near, np.where(distance < 2, far, 0))


# The first that fits is taken: where an axis grows, antialiasing changes nothing.
FILTERS = (
    Filter(),
    Filter(antialias=True),
    Filter(cubic=-0.5),
    Filter(cubic=-0.5, antialias=True),
    Filter(cubic=-0.75, exclude_outside=False),
    Filter(align_corners=True),
    Filter(cubic=-0.5, align_corners=True),
)
# New pixel i is the old one at i * old // new, and the one in which the middle of the new one lies.
REPEATING = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}


def resampled(
    graph: GraphBuilder, tensor: Tensor, axis: int, constant: Constant, constant_axis: int, shapes: Sequence[Shape]
) -> Tensor | None:
    """The tensor times a constant matrix along an axis, which gets other sizes; None where that is no resampling.

    `shapes` are those of the result, whose axes are the tensor's.
    """
    if len(constant.shapes[0]) != 2 or constant.variables or not _is_side(tensor, axis):
        return None
    matrices = [np.asarray(array if constant_axis == 0 else array.T) for array in constant.arrays]
    dtype = graph.dtypes[tensor.name]
    if dtype.name in FLOATS and (attributes := _filter(matrices, dtype)) is not None:
        return resized(graph, tensor, axis, attributes, shapes)
    if all(map(_picks_pixels, matrices)):
        return nearest(graph, tensor, axis, Constant(tuple(matrix.argmax(0) for matrix in matrices)), shapes)
    return adaptive_average(graph, tensor, axis, matrices, shapes)


def _filter(matrices: Sequence[np.ndarray], dtype: np.dtype) -> dict[str, Any] | None:
    """The attributes of the Resize that has these matrices in the traces."""
    most = MAX_DIFFERENCE if dtype == np.float32 else MAX_HALF_DIFFERENCE
    is_free = len({matrix.shape for matrix in matrices}) > 1
    for one in (one for one in FILTERS if is_free or one.is_in_all_runtimes):
        if all(_has_sizes(one, *matrix.shape) for matrix in matrices) and all(
            np.abs(matrix.astype(np.float64) - one.matrix(*matrix.shape)).max() < most for matrix in matrices
        ):
            return one.attributes()
    return None


def _picks_pixels(matrix: np.ndarray) -> bool:
    return bool((np.abs(matrix - np.eye(len(matrix))[matrix.argmax(0)].T) < MAX_DIFFERENCE).all())


def _has_sizes(one: Filter, old: int, new: int) -> bool:
    return old > 0 and old != new and new > one.align_corners


def nearest(
    graph: GraphBuilder, tensor: Tensor, axis: int, indices: Constant, shapes: Sequence[Shape]
) -> Tensor | None:
    """The tensor at these positions along an axis; None where they are not the nearest ones of another size.

    Of sizes whose ratio has no exact float32, runtimes may take the other pixel where two are as near: where the image
    size is free the graph computes the positions itself.
    """
    if indices.variables or not _is_side(tensor, axis) or graph.dtypes[tensor.name].name not in REPEATED:
        return None
    positions = [np.asarray(array).reshape(-1) for array in indices.arrays]
    sizes = [(shape[axis], len(one)) for shape, one in zip(tensor.shapes, positions, strict=True)]
    expected = [(2 * np.arange(new) + 1) * old // (2 * new) for old, new in sizes]
    is_nearest = all(np.array_equal(*pair) for pair in zip(positions, expected, strict=True))
    if not is_nearest or any(new == old for old, new in sizes):
        return None
    if all(float(np.float32(new / old)) * old == new for old, new in sizes):
        return resized(graph, tensor, axis, NEAREST, shapes)
    return _gathered(graph, tensor, axis, shapes) if len(set(sizes)) > 1 else None


def _gathered(graph: GraphBuilder, tensor: Tensor, axis: int, shapes: Sequence[Shape]) -> Tensor:
    """The pixels at (2 i + 1) * old // (2 * new) along an axis."""
    position = tensor.position(axis)
    old = graph.size_of(tensor.name, position)
    new = graph.shape_vector([(shape[axis],) for shape in shapes])
    length, numbers = graph.node("Squeeze", [new], [()] * len(shapes)), [(shape[axis],) for shape in shapes]
    zero, one, two = (graph.constant(np.asarray(number, np.int64)) for number in range(3))
    odd = graph.binary("Add", graph.binary("Mul", graph.node("Range", [zero, length, one], numbers), two), one)
    indices = graph.binary("Div", graph.binary("Mul", odd, old), graph.binary("Mul", length, two))
    physical = _physical(graph, tensor, axis, shapes)
    name = graph.node("Gather", [tensor.name, indices], physical, attributes={"axis": position})
    return replace(tensor, name=name, shapes=tuple(map(tuple, shapes)))


def repeated(graph: GraphBuilder, tensor: Tensor, axis: int, shapes: Sequence[Shape]) -> Tensor | None:
    """The tensor with each value along an axis several times; None where the node Resize does not do that."""
    if not _is_side(tensor, axis) or graph.dtypes[tensor.name].name not in REPEATED:
        return None
    return resized(graph, tensor, axis, REPEATING, shapes)


def _is_exact_ratio(new: int, old: int) -> bool:
    """Whether new / old is the same in float32."""
    ratio = np.float32(new / old)
    return float(ratio) * old == new


def _is_side(tensor: Tensor, axis: int) -> bool:
    """Whether the axis is one of rows or columns of images, as runtimes resize them: one of the last two of four."""
    has_axis = len(tensor.order) == 4 and axis in tensor.order[2:]
    return has_axis and axis not in tensor.index_orders


def resized(
    graph: GraphBuilder, tensor: Tensor, axis: int, attributes: dict[str, Any], shapes: Sequence[Shape]
) -> Tensor:
    """A Resize along one axis. Its sizes are added when the graph is complete: two of them may become one."""
    name = graph.node("Resize", [tensor.name], _physical(graph, tensor, axis, shapes), attributes=attributes)
    return replace(tensor, name=name, shapes=tuple(map(tuple, shapes)))


def _physical(graph: GraphBuilder, tensor: Tensor, axis: int, shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes of the tensor's value with another size of an axis."""
    position = tensor.position(axis)
    pairs = zip(graph.shapes[tensor.name], shapes, strict=True)
    return [(*old[:position], shape[axis], *old[position + 1 :]) for old, shape in pairs]
