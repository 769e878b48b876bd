"""What JAX's primitives do, from their parameters and shapes alone: geometry, multiply-adds, and what they read."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.counting import costs
from zoo.counting import index_maps as reads
from zoo.counting.graph import Read, Reads, Window

Shape = tuple[int, ...]

# Each output is computed from the inputs' values at its own place.
ELEMENTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp complex conj
    convert_element_type copy copy_p cos cosh device_put digamma div eq erf erf_inv erfc exp exp2 expm1 floor ge gt
    imag integer_pow is_finite layout_constraint le lgamma log log1p logistic lt max min mul name ne neg nextafter not
    optimization_barrier or pow pvary real reduce_precision rem round rsqrt select_n sharding_constraint sign sin sinh
    sqrt square stop_gradient sub tan tanh xor
    """.split()  # noqa: SIM905 (as a list it would be a line a word)
)
REDUCTIONS = frozenset(f"reduce_{name}" for name in ("sum", "max", "min", "prod", "and", "or", "xor")) | {
    "argmax",
    "argmin",
}
# No multiply-adds, and an output may read from anywhere.
MOVES = frozenset(
    """
    approx_top_k cumlogsumexp cummax cummin cumprod cumsum dynamic_slice dynamic_update_slice gather random_bits
    random_wrap random_unwrap rev scatter scatter-add scatter-max scatter-min sort stack tile top_k unstack
    """.split()  # noqa: SIM905 (as a list it would be a line a word)
)


@dataclass(frozen=True)
class Step:
    """A primitive with its parameters and the shapes of what it takes and gives."""

    name: str
    params: Mapping[str, Any]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


@dataclass(frozen=True)
class Cost:
    """Geometry, multiply-adds (None where unknown), and how often a kernel is applied to one image."""

    window: Window | None = None
    macs: int | None = 0
    applications: int = 0


def cost(step: Step) -> Cost:
    """What a step costs; `macs=None` for a primitive that is not known here."""
    if step.name == "conv_general_dilated":
        return _convolution(step)
    if step.name == "dot_general":
        return _product(step)
    if step.name.startswith("reduce_window"):
        return Cost(window=_pool(step))
    known = step.name in ELEMENTWISE | REDUCTIONS | MOVES or step.name in READERS
    return Cost(macs=0 if known else None)


def read(step: Step, operand: int, output: int) -> Reads:
    """What output number `output` of a step reads of operand number `operand`: a `Read` an axis."""
    shape = step.inputs[operand]
    if step.name in ELEMENTWISE:
        return reads.same(shape)
    if step.name in REDUCTIONS:
        return reads.reduced(shape, step.params["axes"])
    if step.name in READERS and not (step.name in FIRST_ONLY and operand != 0):
        return READERS[step.name](step, operand, output)
    return reads.everything(shape)


def _convolution(step: Step) -> Cost:
    params, numbers = step.params, step.params["dimension_numbers"]
    (image, kernel), (output,) = step.inputs[:2], step.outputs
    spread, stride = params["lhs_dilation"], params["window_strides"]
    window = Window(
        kernel=tuple(kernel[axis] for axis in numbers.rhs_spec[2:]),
        stride=tuple(stride),
        padding=tuple((low, high) for low, high in params["padding"]),
        dilation=tuple(params["rhs_dilation"]),
        input_dilation=tuple(spread),
        groups=params["feature_group_count"],
    )
    if params["batch_group_count"] != 1 or any(d > 1 and s > 1 for d, s in zip(spread, stride, strict=True)):
        return Cost(window, macs=None)
    axes = zip(numbers.lhs_spec[2:], numbers.out_spec[2:], spread, strict=True)
    places = [image[a] if d > 1 else output[b] for a, b, d in axes]
    batch = image[numbers.lhs_spec[0]]
    return Cost(window, costs.convolution([batch, *places], kernel), math.prod(places))


def _product(step: Step) -> Cost:
    left, right = step.inputs
    (contracted, _), (batch, _) = step.params["dimension_numbers"]
    common = [left[axis] for axis in contracted]
    rows = math.prod(n for axis, n in enumerate(left) if axis != 0 and axis not in contracted)
    macs = costs.product(left, right, common, [left[axis] for axis in batch])
    return Cost(macs=macs, applications=rows)


def _pool(step: Step) -> Window:
    """The window on the axes that are neither the first nor trivial (or on two, should all be trivial)."""
    params = step.params
    size, stride = params["window_dimensions"], params["window_strides"]
    axes = [axis for axis in range(1, len(size)) if size[axis] != 1 or stride[axis] != 1] or [1, 2][: len(size) - 1]

    def on_axes(values: Sequence) -> tuple:
        return tuple(values[axis] for axis in axes)

    return Window(
        kernel=on_axes(size),
        stride=on_axes(stride),
        padding=on_axes([(low, high) for low, high in params["padding"]]),
        dilation=on_axes(params["window_dilation"]),
        input_dilation=on_axes(params["base_dilation"]),
    )


def _read_convolution(step: Step, operand: int, output: int) -> Reads:
    params, numbers = step.params, step.params["dimension_numbers"]
    image, kernel = step.inputs[0], step.inputs[1]
    found = {numbers.lhs_spec[0]: Read(numbers.out_spec[0])}
    found[numbers.lhs_spec[1]] = Read(None, span=image[numbers.lhs_spec[1]])
    for i, axis in enumerate(numbers.lhs_spec[2:]):
        found[axis] = reads.window(
            axis=numbers.out_spec[2 + i],
            kernel=kernel[numbers.rhs_spec[2 + i]],
            stride=params["window_strides"][i],
            low=params["padding"][i][0],
            dilation=params["rhs_dilation"][i],
            input_dilation=params["lhs_dilation"][i],
        )
    return tuple(found[axis] for axis in range(len(image)))


def _read_pool(step: Step, operand: int, output: int) -> Reads:
    keys = ("window_dimensions", "window_strides", "padding", "window_dilation", "base_dilation")
    rows = zip(*(step.params[key] for key in keys), strict=True)
    return tuple(reads.window(axis, n, s, low, d, b) for axis, (n, s, (low, _), d, b) in enumerate(rows))


def _read_product(step: Step, operand: int, output: int) -> Reads:
    """Batch axes come first in the output, then the left's own, then the right's own."""
    contracted, batch = (pair[operand] for pair in step.params["dimension_numbers"])
    shape = step.inputs[operand]
    own = [axis for axis in range(len(shape)) if axis not in contracted and axis not in batch]
    start = len(batch) if operand == 0 else len(step.outputs[0]) - len(own)
    targets = {axis: i for i, axis in enumerate(batch)} | {axis: start + i for i, axis in enumerate(own)}
    return tuple(Read(targets.get(axis), span=1 if axis in targets else n) for axis, n in enumerate(shape))


def _read_concatenation(step: Step, operand: int, output: int) -> Reads:
    along, shape = step.params["dimension"], step.inputs[operand]
    return tuple(Read(None, span=n) if axis == along else Read(axis) for axis, n in enumerate(shape))


def _read_transpose(step: Step, operand: int, output: int) -> Reads:
    return tuple(Read(step.params["permutation"].index(axis)) for axis in range(len(step.inputs[0])))


def _read_slice(step: Step, operand: int, output: int) -> Reads:
    strides = step.params["strides"] or (1,) * len(step.inputs[0])
    return reads.sliced(step.params["start_indices"], strides)


def _read_split(step: Step, operand: int, output: int) -> Reads:
    along, shape = step.params["axis"], step.inputs[0]
    start = sum(step.params["sizes"][:output])
    return reads.sliced([start if axis == along else 0 for axis in range(len(shape))], (1,) * len(shape))


READERS: Mapping[str, Callable[[Step, int, int], Reads]] = {
    "conv_general_dilated": _read_convolution,
    "dot_general": _read_product,
    "reduce_window": _read_pool,
    "reduce_window_max": _read_pool,
    "reduce_window_min": _read_pool,
    "reduce_window_sum": _read_pool,
    "concatenate": _read_concatenation,
    "transpose": _read_transpose,
    "slice": _read_slice,
    "split": _read_split,
    "pad": lambda step, *_: reads.padded(step.params["padding_config"]),
    "reshape": lambda step, *_: reads.reshaped(step.inputs[0], step.outputs[0]),
    "squeeze": lambda step, *_: reads.reduced(step.inputs[0], step.params["dimensions"]),
    "broadcast_in_dim": lambda step, *_: reads.broadcast(
        step.inputs[0], step.params["broadcast_dimensions"], step.outputs[0]
    ),
}
# Their other operands are kernels, padding values and the like.
FIRST_ONLY = frozenset(READERS) - {"dot_general", "concatenate"}
