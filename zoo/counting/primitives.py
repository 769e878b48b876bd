"""Geometry, multiply-adds and index maps of JAX's primitives, from their parameters and shapes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.counting import costs, index_maps
from zoo.counting.graph import AxisMap, IndexMap, WindowGeometry

Shape = tuple[int, ...]

# Each output depends on the inputs at the same position.
ELEMENTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp complex conj
    convert_element_type copy copy_p cos cosh device_put digamma div eq erf erf_inv erfc exp exp2 expm1 floor ge gt
    imag integer_pow is_finite layout_constraint le lgamma log log1p logistic lt max min mul name ne neg nextafter not
    optimization_barrier or pow pvary real reduce_precision rem round rsqrt select_n sharding_constraint sign sin sinh
    sqrt square stop_gradient sub tan tanh xor
    """.split()  # noqa: SIM905 (as a list: one line per word)
)
REDUCTIONS = frozenset(f"reduce_{name}" for name in ("sum", "max", "min", "prod", "and", "or", "xor")) | {
    "argmax",
    "argmin",
}
# No multiply-adds, and an output may depend on any position.
DATA_MOVEMENT = frozenset(
    """
    approx_top_k cumlogsumexp cummax cummin cumprod cumsum dynamic_slice dynamic_update_slice gather random_bits
    random_wrap random_unwrap rev scatter scatter-add scatter-max scatter-min sort stack tile top_k unstack
    """.split()  # noqa: SIM905 (as a list: one line per word)
)


@dataclass(frozen=True)
class PrimitiveCall:
    """A primitive with its parameters and the shapes of its inputs and outputs."""

    name: str
    params: Mapping[str, Any]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


@dataclass(frozen=True)
class PrimitiveCost:
    """Geometry, multiply-adds (None where unknown), and how many times a kernel is applied to one image."""

    window: WindowGeometry | None = None
    macs: int | None = 0
    kernel_applications: int = 0


def primitive_cost(call: PrimitiveCall) -> PrimitiveCost:
    """The cost of a primitive; `macs=None` for one that this file does not know."""
    if call.name == "conv_general_dilated":
        return _convolution(call)
    if call.name == "dot_general":
        return _product(call)
    if call.name.startswith("reduce_window"):
        return PrimitiveCost(window=_pool(call))
    known = call.name in ELEMENTWISE | REDUCTIONS | DATA_MOVEMENT or call.name in INDEX_MAPS
    return PrimitiveCost(macs=0 if known else None)


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


def _convolution(call: PrimitiveCall) -> PrimitiveCost:
    params, numbers = call.params, call.params["dimension_numbers"]
    (image, kernel), (output,) = call.inputs[:2], call.outputs
    input_dilation, stride = params["lhs_dilation"], params["window_strides"]
    window = WindowGeometry(
        kernel=tuple(kernel[axis] for axis in numbers.rhs_spec[2:]),
        stride=tuple(stride),
        padding=tuple((low, high) for low, high in params["padding"]),
        dilation=tuple(params["rhs_dilation"]),
        input_dilation=tuple(input_dilation),
        groups=params["feature_group_count"],
    )
    if params["batch_group_count"] != 1 or any(d > 1 and s > 1 for d, s in zip(input_dilation, stride, strict=True)):
        return PrimitiveCost(window, macs=None)
    axes = zip(numbers.lhs_spec[2:], numbers.out_spec[2:], input_dilation, strict=True)
    positions = [image[a] if d > 1 else output[b] for a, b, d in axes]
    batch = image[numbers.lhs_spec[0]]
    return PrimitiveCost(window, costs.convolution_macs([batch, *positions], kernel), math.prod(positions))


def _product(call: PrimitiveCall) -> PrimitiveCost:
    left, right = call.inputs
    (contracted, _), (batch, _) = call.params["dimension_numbers"]
    shared = [left[axis] for axis in contracted]
    rows = math.prod(n for axis, n in enumerate(left) if axis != 0 and axis not in contracted)
    macs = costs.matmul_macs(left, right, shared, [left[axis] for axis in batch])
    return PrimitiveCost(macs=macs, kernel_applications=rows)


def _pool(call: PrimitiveCall) -> WindowGeometry:
    """The window on the axes where it does something, without the first (on axes 1 and 2 if it does nothing)."""
    params = call.params
    size, stride = params["window_dimensions"], params["window_strides"]
    axes = [axis for axis in range(1, len(size)) if size[axis] != 1 or stride[axis] != 1] or [1, 2][: len(size) - 1]

    def on_axes(values: Sequence) -> tuple:
        return tuple(values[axis] for axis in axes)

    return WindowGeometry(
        kernel=on_axes(size),
        stride=on_axes(stride),
        padding=on_axes([(low, high) for low, high in params["padding"]]),
        dilation=on_axes(params["window_dilation"]),
        input_dilation=on_axes(params["base_dilation"]),
    )


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
