"""Index maps of the primitives that read or write where an index says: exact where the indices are constants."""

from collections.abc import Sequence

import jax
import numpy as np

from zoo.counting import index_maps
from zoo.counting.graph import NOTHING, AxisMap, AxisTable, IndexMap
from zoo.counting.position_arrays import broadcast_axes
from zoo.counting.primitives import PrimitiveCall

LARGEST = 1 << 23  # positions that are followed one by one


def dynamic_slice(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """A slice; of an axis where its start is unknown, all may be read."""
    if operand > 0:
        return index_maps.whole_input(call.inputs[operand], exact=False)
    shape, sizes = call.inputs[0], call.params["slice_sizes"]
    starts = _starts(call.known[1:], shape, sizes)
    parts = [
        AxisMap(None, span=n) if start is None else AxisMap(axis, start)
        for axis, (n, start) in enumerate(zip(shape, starts, strict=True))
    ]
    return IndexMap(tuple(parts), exact=None not in starts)


def dynamic_update_slice(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """Operand 0 outside of the slice, and operand 1 inside of it."""
    if operand > 1:
        return index_maps.whole_input(call.inputs[operand], exact=False)
    shape, sizes = call.inputs[:2]
    known = _starts(call.known[2:], shape, sizes)
    starts = [start for start in known if start is not None]
    if len(starts) < len(known):
        return _anywhere(call, operand, known)
    part = [axis for axis, n in enumerate(sizes) if n < shape[axis]]
    inside = tuple(slice(starts[a], starts[a] + n) if a in part else slice(None) for a, n in enumerate(sizes))
    around = [(starts[a], shape[a] - starts[a] - n) if a in part else (0, 0) for a, n in enumerate(sizes)]

    def outside_values(values: np.ndarray) -> np.ndarray:
        kept = broadcast_axes(values, shape, part).copy()
        kept[inside] = NOTHING
        return kept

    def inside_values(values: np.ndarray) -> np.ndarray:
        return np.pad(broadcast_axes(values, sizes, part), around, constant_values=NOTHING)

    parts = tuple(None if axis in part else AxisMap(axis) for axis in range(len(sizes)))
    return IndexMap(parts, move=inside_values if operand == 1 else outside_values, has_gaps=True)


def _anywhere(call: PrimitiveCall, operand: int, starts: Sequence[int | None]) -> IndexMap:
    """An update whose place is unknown: what any place of it would read."""
    if operand == 0:
        return IndexMap(tuple(AxisMap(axis) for axis in range(len(starts))), exact=False)
    parts = (
        AxisMap(None, span=n) if start is None else AxisMap(axis, -start)
        for axis, (n, start) in enumerate(zip(call.inputs[1], starts, strict=True))
    )
    return IndexMap(tuple(parts), exact=False)


def _starts(known: Sequence, shape: Sequence[int], sizes: Sequence[int]) -> list[int | None]:
    """Where a slice starts on each axis; None where it is unknown. A start that is too large is moved back."""
    starts: list[int | None] = []
    for n, size, index in zip(shape, sizes, known, strict=True):
        value = None if index is None else index.constant_value()
        starts.append(0 if size == n else None if value is None else min(max(int(value), 0), n - size))
    return starts


def gather(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """Positions of operand 0 at constant indices. Of indices that depend on the image, each output reads its own."""
    shape, result, numbers = call.inputs[0], call.outputs[0], call.params["dimension_numbers"]
    batch = [axis for axis in range(len(result)) if axis not in numbers.offset_dims]
    if operand == 1:
        own = [AxisMap(axis) for axis in batch]
        return IndexMap((*own, AxisMap(None, span=call.inputs[1][-1])), exact=call.known[0] is not None)
    indices = None if call.known[1] is None else call.known[1].constant_value()
    if indices is None or np.prod(shape) > LARGEST or np.prod(result) > LARGEST:
        return index_maps.whole_input(shape, exact=False)
    along_axis = _taken(call, indices, batch)
    if along_axis is not None:
        return along_axis
    numbered = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    return index_maps.gathered(shape, result, _gathered(numbered, indices, {**call.params, "fill_value": -1}))


def _taken(call: PrimitiveCall, indices: np.ndarray, batch: Sequence[int]) -> IndexMap | None:
    """`jnp.take` along one axis, which keeps the others as they are; None for any other gather."""
    numbers, sizes, shape = call.params["dimension_numbers"], call.params["slice_sizes"], call.inputs[0]
    others = [n for axis, n in enumerate(shape) if axis not in numbers.start_index_map]
    if len(numbers.start_index_map) != 1 or numbers.operand_batching_dims or len(batch) > 1:
        return None
    (along,) = numbers.start_index_map
    if numbers.collapsed_slice_dims != (along,) or [n for a, n in enumerate(sizes) if a != along] != others:
        return None
    positions = indices.reshape(-1, 1).astype(np.int64)
    if "FILL" in str(call.params["mode"]):
        positions = np.where((positions >= 0) & (positions < shape[along]), positions, -1)
    else:
        positions = np.clip(positions, 0, shape[along] - 1)
    targets = iter(numbers.offset_dims)
    parts: list[AxisMap | AxisTable] = [AxisMap(0 if axis == along else next(targets)) for axis in range(len(shape))]
    parts[along] = AxisTable(batch[0], lambda: positions) if batch else AxisMap(None, int(positions[0, 0]))
    return IndexMap(tuple(parts))


def scatter(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """Operand 0 where nothing is written over it, and the updates at constant indices."""
    shape, updates = call.inputs[0], call.inputs[2]
    indices = None if call.known[1] is None else call.known[1].constant_value()
    if operand == 1 or indices is None or np.prod(shape) > LARGEST or np.prod(updates) > LARGEST:
        return (
            index_maps.elementwise(shape, shape)
            if operand == 0 and call.name != "scatter"
            else (index_maps.whole_input(call.inputs[operand], exact=False))
        )
    targets = _targets(call, indices)
    if operand == 0:
        if call.name != "scatter":
            return index_maps.elementwise(shape, shape)
        kept = np.ones(np.prod(shape) + 1, bool)
        kept[targets] = False
        return index_maps.where(shape, kept[:-1].reshape(shape))

    def move(values: np.ndarray) -> np.ndarray:
        written = np.full(np.prod(shape) + 1, NOTHING)
        np.minimum.at(written, targets.reshape(-1), np.broadcast_to(values, updates).reshape(-1))
        return written[:-1].reshape(shape)

    return IndexMap((None,) * len(updates), move=move, has_gaps=True)


def _targets(call: PrimitiveCall, indices: np.ndarray) -> np.ndarray:
    """Where each update of a scatter goes: its number in the flat output, -1 if it is left out."""
    numbers, shape, updates = call.params["dimension_numbers"], call.inputs[0], call.inputs[2]
    window = iter(numbers.update_window_dims)
    single = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    sizes = tuple(1 if axis in single else updates[next(window)] for axis in range(len(shape)))
    reading = jax.lax.GatherDimensionNumbers(
        offset_dims=numbers.update_window_dims,
        collapsed_slice_dims=numbers.inserted_window_dims,
        start_index_map=numbers.scatter_dims_to_operand_dims,
        operand_batching_dims=numbers.operand_batching_dims,
        start_indices_batching_dims=numbers.scatter_indices_batching_dims,
    )
    numbered = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    how = {"dimension_numbers": reading, "slice_sizes": sizes, "mode": call.params["mode"], "fill_value": -1}
    return _gathered(numbered, indices, how)


def _gathered(numbered: np.ndarray, indices: np.ndarray, how: dict) -> np.ndarray:
    with jax.ensure_compile_time_eval():
        found = jax.lax.gather(
            numbered,
            indices,
            dimension_numbers=how["dimension_numbers"],
            slice_sizes=tuple(how["slice_sizes"]),
            mode=how["mode"],
            fill_value=how["fill_value"],
        )
    return np.asarray(found)
