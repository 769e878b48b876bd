"""Geometry and multiply-adds of JAX's primitives, from their parameters and shapes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.counting import costs
from zoo.counting.graph import WindowGeometry

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
# No multiply-adds either.
DATA_MOVEMENT = frozenset(
    """
    approx_top_k broadcast_in_dim concatenate cumlogsumexp cummax cummin cumprod cumsum dynamic_slice
    dynamic_update_slice gather pad random_bits random_wrap random_unwrap reshape rev scatter scatter-add scatter-max
    scatter-min slice sort split squeeze stack tile top_k transpose unstack
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
    known = call.name in ELEMENTWISE | REDUCTIONS | DATA_MOVEMENT
    return PrimitiveCost(macs=0 if known else None)


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
