"""Index maps of JAX's primitives: what their outputs read of each operand."""

from collections.abc import Callable, Mapping

from zoo.counting import index_maps
from zoo.counting.graph import AxisMap, IndexMap
from zoo.counting.primitives import ELEMENTWISE, REDUCTIONS, PrimitiveCall


def index_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """What output number `output` reads of operand number `operand`; the whole operand for an unknown primitive."""
    shape = call.inputs[operand]
    if call.name in ELEMENTWISE:
        return index_maps.elementwise(shape)
    if call.name in REDUCTIONS:
        return index_maps.reduction(shape, call.params["axes"])
    if call.name in INDEX_MAPS and not (call.name in FIRST_OPERAND_ONLY and operand != 0):
        return INDEX_MAPS[call.name](call, operand, output)
    return index_maps.whole_input(shape)


def _convolution_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    params, numbers = call.params, call.params["dimension_numbers"]
    image, kernel = call.inputs[0], call.inputs[1]
    maps = {numbers.lhs_spec[0]: AxisMap(numbers.out_spec[0])}
    maps[numbers.lhs_spec[1]] = AxisMap(None, span=image[numbers.lhs_spec[1]])
    for i, axis in enumerate(numbers.lhs_spec[2:]):
        maps[axis] = index_maps.sliding_window(
            axis=numbers.out_spec[2 + i],
            kernel=kernel[numbers.rhs_spec[2 + i]],
            stride=params["window_strides"][i],
            low=params["padding"][i][0],
            dilation=params["rhs_dilation"][i],
            input_dilation=params["lhs_dilation"][i],
        )
    return tuple(maps[axis] for axis in range(len(image)))


def _pool_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    keys = ("window_dimensions", "window_strides", "padding", "window_dilation", "base_dilation")
    rows = zip(*(call.params[key] for key in keys), strict=True)
    return tuple(
        index_maps.sliding_window(axis, kernel=n, stride=s, low=low, dilation=d, input_dilation=b)
        for axis, (n, s, (low, _), d, b) in enumerate(rows)
    )


def _product_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    """The output has the batch axes first, then the free axes of the left operand, then those of the right."""
    contracted, batch = (pair[operand] for pair in call.params["dimension_numbers"])
    shape = call.inputs[operand]
    free = [axis for axis in range(len(shape)) if axis not in contracted and axis not in batch]
    start = len(batch) if operand == 0 else len(call.outputs[0]) - len(free)
    targets = {axis: i for i, axis in enumerate(batch)} | {axis: start + i for i, axis in enumerate(free)}
    return tuple(AxisMap(targets.get(axis), span=1 if axis in targets else n) for axis, n in enumerate(shape))


def _concatenation_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    along, shape = call.params["dimension"], call.inputs[operand]
    return tuple(AxisMap(None, span=n) if axis == along else AxisMap(axis) for axis, n in enumerate(shape))


def _transpose_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    return tuple(AxisMap(call.params["permutation"].index(axis)) for axis in range(len(call.inputs[0])))


def _slice_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    strides = call.params["strides"] or (1,) * len(call.inputs[0])
    return index_maps.strided_slice(call.params["start_indices"], strides)


def _split_map(call: PrimitiveCall, operand: int, output: int) -> IndexMap:
    along, shape = call.params["axis"], call.inputs[0]
    start = sum(call.params["sizes"][:output])
    return index_maps.strided_slice([start if axis == along else 0 for axis in range(len(shape))], (1,) * len(shape))


INDEX_MAPS: Mapping[str, Callable[[PrimitiveCall, int, int], IndexMap]] = {
    "conv_general_dilated": _convolution_map,
    "dot_general": _product_map,
    "reduce_window": _pool_map,
    "reduce_window_max": _pool_map,
    "reduce_window_min": _pool_map,
    "reduce_window_sum": _pool_map,
    "concatenate": _concatenation_map,
    "transpose": _transpose_map,
    "slice": _slice_map,
    "split": _split_map,
    "pad": lambda call, *_: index_maps.pad(call.params["padding_config"]),
    "reshape": lambda call, *_: index_maps.reshape(call.inputs[0], call.outputs[0]),
    "squeeze": lambda call, *_: index_maps.reduction(call.inputs[0], call.params["dimensions"]),
    "broadcast_in_dim": lambda call, *_: index_maps.broadcast(
        call.inputs[0], call.params["broadcast_dimensions"], call.outputs[0]
    ),
}
# Of the others only the first operand has an index map: the rest are kernels, padding values and the like.
FIRST_OPERAND_ONLY = frozenset(INDEX_MAPS) - {"dot_general", "concatenate"}
