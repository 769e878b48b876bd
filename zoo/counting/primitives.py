"""Geometry and multiply-adds of JAX's primitives, from their parameters and shapes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.counting import costs
from zoo.counting.constants import Known
from zoo.counting.graph import WindowGeometry
from zoo.counting.primitive_names import DATA_MOVEMENT, ELEMENTWISE, REDUCTIONS

Shape = tuple[int, ...]


# Functions of JAX that compute something else by a convolution.
TRANSPOSED, PATCHES = "conv_transpose", "conv_general_dilated_patches"
NO_MACS = ELEMENTWISE | REDUCTIONS | DATA_MOVEMENT


@dataclass(frozen=True)
class PrimitiveCall:
    """A primitive with its parameters and the shapes of its inputs and outputs.

    `is_weight`: which inputs are computed from variables only. `caller` is the function of JAX that the primitive is
    part of, TRANSPOSED, PATCHES or "". `known` has the inputs that do not depend on the network's input, None for the
    others.
    """

    name: str
    params: Mapping[str, Any]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    is_weight: tuple[bool, ...] = ()
    caller: str = ""
    known: tuple[Known | None, ...] = ()


@dataclass(frozen=True)
class PrimitiveCost:
    """Geometry, multiply-adds (None where unknown), and the axes along which a kernel is applied, the batch first."""

    window: WindowGeometry | None = None
    macs: int | None = 0
    kernel_positions: Shape = ()


def primitive_cost(call: PrimitiveCall) -> PrimitiveCost:
    """The cost of a primitive; `macs=None` for one that this file does not know."""
    if call.name == "conv_general_dilated":
        return _convolution(call)
    if call.name == "dot_general":
        return _product(call)
    if call.name.startswith("reduce_window"):
        return PrimitiveCost(window=_pool(call))
    return PrimitiveCost(macs=0 if call.name in NO_MACS else None)


def _convolution(call: PrimitiveCall) -> PrimitiveCost:
    params, numbers = call.params, call.params["dimension_numbers"]
    (image, kernel), (output,) = call.inputs[:2], call.outputs
    spatial = zip(
        (image[axis] for axis in numbers.lhs_spec[2:]),
        (output[axis] for axis in numbers.out_spec[2:]),
        (kernel[axis] for axis in numbers.rhs_spec[2:]),
        params["window_strides"],
        (low for low, _ in params["padding"]),
        params["rhs_dilation"],
        params["lhs_dilation"],
        strict=True,
    )
    axes = [costs.ConvolutionAxis(*values) for values in spatial]
    transposed = call.caller == TRANSPOSED or any(axis.input_dilation > 1 for axis in axes)
    window = WindowGeometry(
        kernel=tuple(axis.kernel for axis in axes),
        stride=tuple(axis.stride for axis in axes),
        padding=tuple((low, high) for low, high in params["padding"]),
        dilation=tuple(axis.dilation for axis in axes),
        input_dilation=tuple(axis.input_dilation for axis in axes),
        groups=params["feature_group_count"],
        transposed=transposed,
        fits=_fits([axis.image for axis in axes], [axis.output for axis in axes], params["padding"]),
    )
    if call.caller == PATCHES:
        return PrimitiveCost(window)
    batch = image[numbers.lhs_spec[0]] // params["batch_group_count"]
    channels = [kernel[axis] for axis in numbers.rhs_spec[:2]]
    return PrimitiveCost(
        window,
        macs=math.prod([batch, *channels, *(costs.taps(axis, transposed=transposed) for axis in axes)]),
        kernel_positions=(batch, *(costs.kernel_positions(axis, transposed=transposed) for axis in axes)),
    )


def _product(call: PrimitiveCall) -> PrimitiveCost:
    """A kernel is applied at each position of the other operand, apart from the axes that both share."""
    shared = call.params["dimension_numbers"]
    left, right = (
        [n for axis, n in enumerate(shape) if axis not in contracted and axis not in batch]
        for shape, contracted, batch in zip(call.inputs, *shared, strict=True)
    )
    (contracted, _), (batch, _) = shared
    sizes = [[call.inputs[0][axis] for axis in axes] for axes in (contracted, batch)]
    kernel_is_left = call.is_weight == (True, False)
    return PrimitiveCost(
        macs=costs.product_macs(left, right, *sizes), kernel_positions=tuple(right if kernel_is_left else left)
    )


def _fits(image: Sequence[int], output: Sequence[int], padding: Sequence[tuple[int, int]]) -> bool:
    """Whether a window fits in its input on every axis: only then is an output empty whose input is not."""
    sizes = zip(image, output, padding, strict=True)
    return not any(n > 0 and n + low + high > 0 and m == 0 for n, m, (low, high) in sizes)


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
        fits=_fits(call.inputs[0], call.outputs[0], params["padding"]),
    )
