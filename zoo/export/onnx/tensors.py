"""How arrays of JAX lie in ONNX tensors, so that transposes and broadcasts of JAX cost nothing.

ONNX's convolutions take channels first, JAX's networks have them last. A `Tensor` therefore says which axis of the JAX
array each axis of the ONNX tensor is, and operations agree on an order among themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.program import Constant, Shape

Order = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """An array of shape `shapes` (one for each trace) in the ONNX value `name`.

    Axis i of the value is axis `order[i]` of the array, or has size 1 where that is None. An axis of the array that is
    not in `order` has size 1, or repeats the same values. Along an axis in `index_orders`, position i of the value has
    position `index_orders[axis][i]` of the array.
    """

    name: str
    shapes: tuple[Shape, ...]
    order: Order
    index_orders: Mapping[int, np.ndarray] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """The number of axes of the array."""
        return len(self.shapes[0])

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the array that the value has, in its order."""
        return tuple(axis for axis in self.order if axis is not None)

    def position(self, axis: int) -> int:
        """The axis of the value that is this axis of the array."""
        return self.order.index(axis)

    def renamed(self, axes: Mapping[int, int | None], shapes: Sequence[Shape]) -> "Tensor":
        """The same value as an array of other axes; an axis that becomes None has size 1 or repeats values."""
        order = tuple(None if axis is None else axes.get(axis) for axis in self.order)
        index_orders = {
            new: self.index_orders[old] for old, new in axes.items() if new is not None and old in self.index_orders
        }
        return Tensor(self.name, tuple(map(tuple, shapes)), order, index_orders)


def plain(name: str, shapes: Sequence[Shape]) -> Tensor:
    """An array that lies in its value as it is."""
    shapes = tuple(map(tuple, shapes))
    return Tensor(name, shapes, tuple(range(len(shapes[0]))))


def with_standard_indices(graph: GraphBuilder, tensor: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """The tensor with the positions along these axes (all by default) in the order of the array."""
    for axis in tensor.index_orders if axes is None else axes:
        if axis in tensor.index_orders:
            name = graph.gather(tensor.name, tensor.position(axis), np.argsort(tensor.index_orders[axis]))
            index_orders = {other: order for other, order in tensor.index_orders.items() if other != axis}
            tensor = replace(tensor, name=name, index_orders=index_orders)
    return tensor


def arranged(graph: GraphBuilder, tensor: Tensor, order: Order) -> Tensor:
    """The tensor with its axes in this order, which has all of its axes; size 1 where it has not got the axis."""
    wanted = [axis for axis in order if axis in tensor.axes]
    wanted_order = tuple(axis if axis in tensor.axes else None for axis in order)
    if tensor.order == wanted_order:
        return tensor
    name = tensor.name
    if list(tensor.axes) != wanted:
        present = [i for i, axis in enumerate(tensor.order) if axis is not None]
        absent = [i for i, axis in enumerate(tensor.order) if axis is None]
        moved = iter([tensor.position(axis) for axis in wanted])
        if len(tensor.order) == len(order):  # Axes of size 1 move along, so that no reshape is needed.
            rest = iter(absent)
            permutation = [next(rest) if axis is None else next(moved) for axis in wanted_order]
        else:
            permutation = [next(moved) if i in present else i for i in range(len(tensor.order))]
        name = graph.transpose(name, permutation)
    sizes = [{axis: shape[tensor.position(axis)] for axis in tensor.axes} for shape in graph.shapes[tensor.name]]
    shapes = [tuple(1 if axis is None else size[axis] for axis in wanted_order) for size in sizes]
    return replace(tensor, name=graph.reshape(name, shapes), order=wanted_order)


def materialized(graph: GraphBuilder, tensor: Tensor, order: Sequence[int | None]) -> Tensor:
    """The tensor with all axes of its array, in this order, repeated where values repeat; indices in their order."""
    tensor = with_standard_indices(graph, arranged(graph, tensor, tuple(order)))
    shapes = [tuple(1 if axis is None else shape[axis] for axis in order) for shape in tensor.shapes]
    return Tensor(graph.expand(tensor.name, shapes), tensor.shapes, tuple(order))


def compact(graph: GraphBuilder, constant: Constant) -> np.ndarray:
    """A constant, the same in all traces, with size 1 along the axes on which its values repeat."""
    first, *others = [_without_repeats(array) for array in dict.fromkeys(map(_Same, constant.arrays))]
    for other in others:
        if other.shape != first.shape or not np.array_equal(other, first, equal_nan=first.dtype.kind == "f"):
            raise graph.refusal("a number in it depends on the batch or the image size: export it with these fixed")
    return first


def common(graph: GraphBuilder, constant: Constant) -> np.ndarray:
    """A constant that is the same in all traces, in full."""
    first, *others = constant.arrays
    if not all(other is first or np.array_equal(other, first) for other in others):
        raise graph.refusal("a number in it depends on the batch or the image size: export it with these fixed")
    return np.asarray(first)


class _Same:
    """An array that equals only itself, so that traces that share it are looked at once."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.array is self.array


def _without_repeats(same: _Same) -> np.ndarray:
    array = np.asarray(same.array)
    for axis, size in enumerate(array.shape):
        if size > 1:
            first = array.take([0], axis)
            if array.strides[axis] == 0 or bool((array == first).all()):
                array = first
    return array


def aligned(
    graph: GraphBuilder, operands: Sequence[Tensor | Constant]
) -> tuple[list[str], Order, dict[int, np.ndarray]]:
    """Values of the operands, arrays of one rank or numbers, that broadcast against each other; their common order.

    At least one is a tensor.
    """
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    arrays = [compact(graph, operand) for operand in operands if isinstance(operand, Constant)]
    longest = max(tensors, key=lambda tensor: len(tensor.axes))
    used = {axis for tensor in tensors for axis in tensor.axes}
    used |= {axis for array in arrays for axis, size in enumerate(array.shape) if size > 1}
    order = longest.order
    if missing := sorted(used - set(longest.axes)):
        order = _with_missing(order, missing)
    for axis in used:
        having = [tensor for tensor in tensors if axis in tensor.axes]
        orders = [tensor.index_orders.get(axis) for tensor in having]
        if len({None if one is None else one.tobytes() for one in orders}) > 1:
            tensors = [with_standard_indices(graph, tensor, [axis]) for tensor in tensors]
    index_orders = {axis: indices for tensor in reversed(tensors) for axis, indices in tensor.index_orders.items()}
    left_tensors, left_arrays = iter(tensors), iter(arrays)
    names = []
    for operand in operands:
        if isinstance(operand, Tensor):
            names.append(_placed(graph, next(left_tensors), order).name)
        else:
            array = in_order(next(left_arrays), order, index_orders)
            names.append(graph.constant(array, label_of(operand)))
    return names, order, index_orders


def _with_missing(order: Order, missing: Sequence[int]) -> Order:
    """An order with more axes: where the value has size 1, if it has as many such axes, as for channels."""
    axes = [axis for axis in order if axis is not None]
    if len(missing) <= order.count(None):
        rest = iter(missing)
        return tuple(next(rest, None) if axis is None else axis for axis in order)
    return tuple(sorted([*axes, *missing])) if axes == sorted(axes) else (*axes, *missing)


def _placed(graph: GraphBuilder, tensor: Tensor, order: Order) -> Tensor:
    """The tensor so that it broadcasts in this order: axes of size 1 at the front may be left out."""
    wanted = tuple(axis if axis in tensor.axes else None for axis in order)
    if (None,) * (len(order) - len(tensor.order)) + tensor.order == wanted:
        return tensor
    return arranged(graph, tensor, order)


def in_order(array: np.ndarray, order: Order, index_orders: Mapping[int, np.ndarray]) -> np.ndarray:
    """A constant array so that it broadcasts against values in this order."""
    if array.size == 1:
        return array.reshape(())
    for axis, indices in index_orders.items():
        if array.shape[axis] > 1:
            array = array.take(indices, axis)
    present = [axis for axis in order if axis is not None]
    shape = [1 if axis is None else array.shape[axis] for axis in order]
    array = array.transpose([*(axis for axis in range(array.ndim) if axis not in present), *present]).reshape(shape)
    while array.ndim and array.shape[0] == 1:
        array = array[0]
    return array


def label_of(constant: Constant) -> tuple[str, ...]:
    """The path of the one variable that a constant is computed from; () for others."""
    return next(iter(constant.variables)).path if len(constant.variables) == 1 else ()
