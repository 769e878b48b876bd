"""A layer's numbers, worked as the lesson works them: the formula with the numbers put in, and its result."""

import math
from dataclasses import dataclass

from zoo.counting.formulas import conv_macs, conv_output_shape, conv_parameters, pool_output_shape
from zoo.counting.layer_grouping import POOLS
from zoo.report.html.numbers import product, times
from zoo.report.layers.layers import Layer, Window


@dataclass(frozen=True)
class Step:
    """One line: what is worked out, the formula in words or letters, the same with numbers, and the result."""

    label: str
    formula: str
    worked: str
    result: str


SIZE = "⌊(size + padding − window) / stride⌋ + 1"


def worked(layer: Layer) -> tuple[Step, ...]:
    """All that there is to work out for a layer."""
    row = layer.row
    if layer.window is not None:
        return _corrected(layer, window_steps(layer.window))
    if row.operation == "dense":
        return _dense(layer)
    return _other(layer)


def window_steps(window: Window) -> tuple[Step, ...]:
    """The steps of a convolution or a pool."""
    height, width, depth = output_shape(window)
    steps = [
        Step("output height", SIZE, _size(window, 0), f"{height}"),
        Step("output width", SIZE, _size(window, 1), f"{width}"),
    ]
    if not window.is_conv:
        return (*steps, Step("output depth", "that of the input", "", f"{depth:,}"))
    return (*steps, *_conv_steps(window, (height, width, depth)))


def output_shape(window: Window) -> tuple[int, int, int]:
    """(height, width, depth) that the window makes."""
    if not window.is_conv:
        return pool_output_shape(window.input_shape, window=window.kernel, stride=window.stride, padding=window.pads)
    return conv_output_shape(window.input_shape, **_arguments(window))


def _arguments(window: Window) -> dict:
    return {
        "filters": window.filters,
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": window.pads,
        "dilation": window.dilation,
    }


def _conv_steps(window: Window, output: tuple[int, int, int]) -> list[Step]:
    arguments = {**_arguments(window), "groups": window.groups}
    shared = conv_parameters(window.input_shape, **arguments, bias=window.bias)
    unshared = conv_parameters(window.input_shape, **arguments, bias=window.bias, shared=False)
    macs = conv_macs(window.input_shape, **arguments)
    taps = _taps(window)
    one = f"({taps} + 1)" if window.bias else f"({taps})"
    bias = " + 1 bias" if window.bias else ""
    return [
        Step("output depth", "one map a filter", "", f"{output[2]:,}"),
        Step("parameters", f"(window × depth{bias}) × filters", f"{one} × {window.filters:,}", f"{shared:,}"),
        Step(
            "without sharing", f"(window × depth{bias}) × every output", f"{one} × ({times(output)})", f"{unshared:,}"
        ),
        Step("multiply-adds", "every output × window × depth", f"({times(output)}) × ({taps})", f"{macs:,}"),
    ]


def _taps(window: Window) -> str:
    """How many values one filter looks at, as a product."""
    depth = f"{window.input_shape[2]:,}" if window.groups == 1 else f"{window.input_shape[2]:,}/{window.groups:,}"
    return f"{window.kernel[0]} × {window.kernel[1]} × {depth}"


def _size(window: Window, axis: int) -> str:
    (low, high), kernel = window.pads[axis], window.kernel[axis]
    pads = f"{low} + {high}" if low != high else f"2·{low}"
    span = f"{kernel}" if window.dilation[axis] == 1 else f"({kernel - 1}·{window.dilation[axis]} + 1)"
    return f"⌊({window.input_shape[axis]} + {pads} − {span}) / {window.stride[axis]}⌋ + 1"


def _corrected(layer: Layer, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps; where the network has other parameters than the formula, as with a table of connections, those."""
    row, plain = layer.row, next((step.result for step in steps if step.label == "parameters"), "0")
    has = row.parameters + row.reused_parameters
    if plain == f"{has:,}":
        again = Step("counted here", "an earlier layer has the same weights", "", f"{row.parameters:,}")
        return (*steps, again) if row.reused_parameters else steps
    own = (
        Step("parameters", "counted: they are not the formula's", "", f"{has:,}"),
        Step("without sharing", "counted", "", f"{row.parameters_without_sharing:,}"),
    )
    return (*(step for step in steps if step.label not in ("parameters", "without sharing")), *own)


def _dense(layer: Layer) -> tuple[Step, ...]:
    row = layer.row
    inputs, outputs = layer.inputs[0].shape[-1], row.output_shape[-1]
    places = math.prod(row.output_shape[1:-1])
    has = row.parameters + row.reused_parameters
    bias = has > inputs * outputs
    parameters = products = "counted"
    one = each = ""
    if has == (inputs + bias) * outputs:
        parameters = "(inputs + 1 bias) × units" if bias else "inputs × units"
        one = f"({inputs:,} + 1) × {outputs:,}" if bias else times((inputs, outputs))
    if row.macs == inputs * outputs * places:
        products = "inputs × units" if places == 1 else "inputs × units × places"
        each = times((inputs, outputs) if places == 1 else (inputs, outputs, places))
    return (
        Step("output", "one value a unit", "", f"{outputs:,}"),
        Step("parameters", parameters, one, f"{has:,}"),
        Step("multiply-adds", products, each, "not known" if row.macs is None else f"{row.macs:,}"),
    )


def _other(layer: Layer) -> tuple[Step, ...]:
    row = layer.row
    steps = [Step("output", _meaning(layer), times(layer.maps), f"{product(layer.maps):,} values")]
    has = row.parameters + row.reused_parameters
    if has:
        channels = row.output_shape[-1]
        each = f"{has // channels} × {channels:,}" if has % channels == 0 else ""
        steps.append(Step("parameters", "counted" if not each else "parameters a map × maps", each, f"{has:,}"))
    if row.batch_stats:
        steps.append(Step("batch statistics", "a mean and a variance a map; not learned", "", f"{row.batch_stats:,}"))
    if row.macs is None or row.macs:
        steps.append(Step("multiply-adds", "counted", "", "not known" if row.macs is None else f"{row.macs:,}"))
    return tuple(steps)


def _meaning(layer: Layer) -> str:
    if layer.row.operation == "concatenate":
        depths = " + ".join(f"{one.shape[-1]:,}" for one in layer.inputs)
        return f"maps one behind the other: {depths} = {layer.maps[2]:,}"
    if layer.row.operation in POOLS:
        return "one value a map: the mean of all its places" if "avg" in layer.row.operation else "one value a window"
    return OPERATIONS.get(layer.row.operation, "the same operation for each value")


OPERATIONS = {
    "batch_norm": "each map less its mean, over its deviation, then scaled and shifted",
    "relu": "max(0, x) for each value",
    "dropout": "in inference nothing is dropped",
    "add": "value by value, so the shapes are the same",
    "local_response_norm": "each value over what its neighbours in depth amount to",
    "reshape": "the same values in another shape",
    "split": "some of the maps go one way, some the other",
}
