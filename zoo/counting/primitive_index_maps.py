"""Index maps of JAX's primitives: what their outputs read of each operand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from zoo.counting import index_maps
from zoo.counting import indexed_index_maps as indexed
from zoo.counting.graph import NOTHING, AxisMap, AxisTable, IndexMap
from zoo.counting.primitive_names import ELEMENTWISE, REDUCTIONS
from zoo.counting.primitives import PrimitiveCall


def index_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """What output number `output` reads of operand number `operand`; at most all of it for an unknown primitive."""
    shape = call.inputs[operand]
    if call.name in ("mul", "select_n", "and"):
        return _masked_map(call, operand)
    if call.name in ELEMENTWISE:
        return index_maps.elementwise(shape, call.outputs[output])
    if call.name in REDUCTIONS:
        return index_maps.reduction(shape, call.params["axes"])
    if call.name in WITH_PADDING_VALUES and operand >= len(call.outputs):
        return index_maps.whole_input(shape)
    if call.name in INDEX_MAPS:
        return INDEX_MAPS[call.name](call, operand, output)
    return index_maps.whole_input(shape, exact=False)


def _masked_map(call: PrimitiveCall, operand: int) -> IndexMap:
    """A selection by a constant, or a product with one, which has zeros: the others are not read."""
    shape, selects = call.inputs[operand], call.name == "select_n"
    everywhere = index_maps.elementwise(shape, call.outputs[0])
    other = call.known[0 if selects else 1 - operand]
    if other is None or (selects and (operand == 0 or not other.is_constant)) or (not selects and other.is_dense):
        return everywhere
    mask = other.constant_value() if selects else other.nonzero()
    if mask is None:
        return replace(everywhere, exact=False)
    seen = mask.astype(int) == operand - 1 if selects else mask
    if np.all(seen) or len(shape) != len(call.outputs[0]):
        return everywhere
    masks = any(value is not None for value in call.known[selects:])
    return index_maps.where(shape, np.broadcast_to(seen, call.outputs[0]), masks=masks)


def _convolution_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    params, numbers = call.params, call.params["dimension_numbers"]
    shape, result = call.inputs[operand], call.outputs[0]
    if operand == 1:
        features, *others = numbers.rhs_spec
        whole = {axis: AxisMap(None, span=shape[axis]) for axis in others}
        return _by_axis(whole | {features: AxisMap(numbers.out_spec[1])})
    groups, channels = params["feature_group_count"], numbers.lhs_spec[1]
    parts: dict[int, AxisMap | AxisTable] = {
        numbers.lhs_spec[0]: AxisMap(numbers.out_spec[0]),
        channels: index_maps.grouped(numbers.out_spec[1], result[numbers.out_spec[1]], shape[channels], groups),
    }
    dense = True
    for i, axis in enumerate(numbers.lhs_spec[2:]):
        first, last, all_used = _used_taps(call, i)
        target, dense = numbers.out_spec[2 + i], dense and all_used
        parts[axis] = index_maps.sliding_window(
            axis=target,
            taps=(first, last),
            stride=params["window_strides"][i],
            low=params["padding"][i][0],
            count=result[target],
            dilation=params["rhs_dilation"][i],
            input_dilation=params["lhs_dilation"][i],
        )
    kernel = call.known[1]
    known = kernel is None or kernel.is_dense or kernel.nonzero() is not None
    # In a smaller image, all taps that are not zero may be over its padding.
    known = known and (dense or _kernel_fits(call))
    return _by_axis(parts, exact=known and params["batch_group_count"] == 1, exact_apart=dense)


def _kernel_fits(call: PrimitiveCall) -> bool:
    """Whether the kernel of a convolution is nowhere larger than the image without its padding."""
    numbers, sizes = call.params["dimension_numbers"], call.inputs
    axes = zip(numbers.lhs_spec[2:], numbers.rhs_spec[2:], call.params["rhs_dilation"], strict=True)
    return all(sizes[0][image] > (sizes[1][kernel] - 1) * dilation for image, kernel, dilation in axes)


def _used_taps(call: PrimitiveCall, i: int) -> tuple[int | np.ndarray, int | np.ndarray, bool]:
    """(first, last) tap of a kernel along its spatial axis i that is not always zero, and whether all between are used.

    Where they differ between output features, they are arrays over these.
    """
    numbers = call.params["dimension_numbers"]
    features, axis = numbers.rhs_spec[0], numbers.rhs_spec[2 + i]
    last, kernel = call.inputs[1][axis] - 1, call.known[1]
    seen = None if kernel is None or kernel.is_dense else kernel.nonzero()
    if seen is None:
        return 0, last, kernel is None or kernel.is_dense
    others = tuple(a for a in range(seen.ndim) if a not in (features, axis))
    used = np.moveaxis(np.any(seen, axis=others, keepdims=True), (features, axis), (0, 1)).reshape(-1, last + 1)
    first = np.where(used.any(1), used.argmax(1), NOTHING)
    final = np.where(used.any(1), last - used[:, ::-1].argmax(1), -NOTHING)
    if np.ptp(first) == np.ptp(final) == 0:
        return int(first[0]), int(final[0]), bool(np.all(seen))
    shape = [-1 if a == numbers.out_spec[1] else 1 for a in range(seen.ndim)]
    return first.reshape(shape), final.reshape(shape), False


def _pool_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    keys = ("window_dimensions", "window_strides", "padding", "window_dilation", "base_dilation")
    rows = zip(call.outputs[0], *(call.params[key] for key in keys), strict=True)
    return IndexMap(
        tuple(
            index_maps.sliding_window(
                axis, taps=(0, n - 1), stride=s, low=low, count=count, dilation=d, input_dilation=b
            )
            for axis, (count, n, s, (low, _), d, b) in enumerate(rows)
        )
    )


def _product_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """The output has the batch axes first, then the free axes of the left operand, then those of the right."""
    contracted, batch = (pair[operand] for pair in call.params["dimension_numbers"])
    shape, rank = call.inputs[operand], len(call.outputs[0])
    free = [axis for axis in range(len(shape)) if axis not in contracted and axis not in batch]
    start = len(batch) if operand == 0 else rank - len(free)
    targets = {axis: i for i, axis in enumerate(batch)} | {axis: start + i for i, axis in enumerate(free)}
    parts = {axis: AxisMap(targets.get(axis), span=1 if axis in targets else n) for axis, n in enumerate(shape)}
    other = call.known[1 - operand]
    seen = None if other is None or other.is_dense else other.nonzero()
    if seen is None:
        return _by_axis(parts, exact=other is None or other.is_dense)
    if np.all(seen):
        return _by_axis(parts)
    return _sparse_product(call, operand, parts, seen)


def _sparse_product(call: PrimitiveCall, operand: int, parts: dict[int, AxisMap], seen: np.ndarray) -> IndexMap:
    """A product with an array that has zeros, as of a resize; exact only for a matrix along one axis."""
    contracted, batch = call.params["dimension_numbers"]
    if len(contracted[operand]) != 1 or batch[0]:
        return _by_axis(parts, exact=False)
    (axis,), (along,), other = contracted[operand], contracted[1 - operand], 1 - operand
    matrix = np.moveaxis(seen, along, 0)
    free = [a for a in range(seen.ndim) if a != along]
    wide = [i for i, a in enumerate(free) if seen.shape[a] > 1]
    if len(wide) > 1:
        return _by_axis(parts, exact=False)
    if not wide:
        used = np.flatnonzero(matrix)
        first, last = (used[0], used[-1]) if len(used) else (0, 0)
        return _by_axis(parts | {axis: AxisMap(None, int(first), span=int(last - first) + 1)})
    target = wide[0] if other == 0 else len(call.outputs[0]) - len(free) + wide[0]
    return _by_axis(parts | {axis: index_maps.matrix(target, matrix.reshape(len(matrix), -1))})


def _by_axis(parts: Mapping[int, AxisMap | AxisTable], *, exact: bool = True, exact_apart: bool = True) -> IndexMap:
    return IndexMap(tuple(parts[axis] for axis in range(len(parts))), exact=exact, exact_apart=exact_apart)


def _concatenation_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    along = call.params["dimension"]
    start = sum(shape[along] for shape in call.inputs[:operand])
    return index_maps.concatenated(call.inputs[operand], along, start, call.outputs[0][along])


def _transpose_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    return IndexMap(tuple(AxisMap(call.params["permutation"].index(axis)) for axis in range(len(call.inputs[0]))))


def _slice_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    strides = call.params["strides"] or (1,) * len(call.inputs[0])
    return index_maps.strided_slice(call.params["start_indices"], strides)


def _split_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    along, shape = call.params["axis"], call.inputs[0]
    start = sum(call.params["sizes"][:output])
    return index_maps.strided_slice([start if axis == along else 0 for axis in range(len(shape))], (1,) * len(shape))


def _cumulative_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    return index_maps.cumulative(call.inputs[0], call.params["axis"], reverse=call.params["reverse"])


def _whole_axes_map(axes: Callable[[PrimitiveCall], Sequence[int]]) -> Callable[[PrimitiveCall, int, int], IndexMap]:
    return lambda call, operand, _: index_maps.whole_axes(call.inputs[operand], axes(call))


INDEX_MAPS: Mapping[str, Callable[[PrimitiveCall, int, int], IndexMap]] = {
    "approx_top_k": _whole_axes_map(lambda call: [call.params["reduction_dimension"] % len(call.inputs[0])]),
    "broadcast_in_dim": lambda call, *_: index_maps.broadcast(
        call.inputs[0], call.params["broadcast_dimensions"], call.outputs[0]
    ),
    "concatenate": _concatenation_map,
    "conv_general_dilated": _convolution_map,
    "dot_general": _product_map,
    "dynamic_slice": indexed.dynamic_slice,
    "dynamic_update_slice": indexed.dynamic_update_slice,
    "fft": _whole_axes_map(lambda call: range(len(call.inputs[0]))[-len(call.params["fft_lengths"]) :]),
    "gather": indexed.gather,
    "pad": lambda call, *_: index_maps.pad(call.params["padding_config"], call.inputs[0], call.outputs[0]),
    "reshape": lambda call, *_: index_maps.transposed_reshape(
        call.inputs[0], call.params["dimensions"] or range(len(call.inputs[0])), call.outputs[0]
    ),
    "rev": lambda call, *_: index_maps.reversal(call.inputs[0], call.params["dimensions"]),
    "slice": _slice_map,
    "sort": _whole_axes_map(lambda call: [call.params["dimension"]]),
    "split": _split_map,
    "stack": lambda call, operand, _: index_maps.stacked(
        call.inputs[operand], call.params["axis"], operand, len(call.inputs)
    ),
    "tile": lambda call, *_: index_maps.tiled(call.inputs[0], call.outputs[0]),
    "unstack": lambda call, _, output: index_maps.item(len(call.inputs[0]), call.params["axis"], output),
    "squeeze": lambda call, *_: index_maps.reduction(call.inputs[0], call.params["dimensions"]),
    "top_k": _whole_axes_map(lambda call: [call.params.get("axis", -1) % len(call.inputs[0])]),
    "transpose": _transpose_map,
    **dict.fromkeys(("reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum"), _pool_map),
    **dict.fromkeys(("cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum"), _cumulative_map),
    **dict.fromkeys(
        ("scatter", "scatter-add", "scatter-mul", "scatter-max", "scatter-min", "scatter-sub", "scatter_add"),
        indexed.scatter,
    ),
}
# Of these only as many operands as outputs have an index map: the others are padding values and the like.
WITH_PADDING_VALUES = frozenset(
    ["pad", "reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum", "reshape"]
)
