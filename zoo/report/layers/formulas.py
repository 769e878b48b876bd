"""A layer's formulas as the lesson writes them: the formula, the same with the layer's numbers, and the result."""

import math
from dataclasses import dataclass

from zoo.counting.formulas import conv_macs, conv_output_shape, conv_parameters, pool_output_shape
from zoo.counting.layer_grouping import POOL_FUNCTIONS
from zoo.report.layers.counted_network import Layer, Window
from zoo.report.number_formats import format_product, number_of_values

OUTPUT_SIZE = "⌊(size + padding − window) / stride⌋ + 1"
OPERATIONS = {
    "batch_norm": "each map minus its mean, divided by its standard deviation, then scaled and shifted",
    "relu": "max(0, x) for each value",
    "dropout": "nothing is dropped at inference",
    "add": "value by value; the shapes are equal",
    "local_response_norm": "each value divided by a power of the sum of squares at neighbouring depths",
    "reshape": "the same values in another shape",
    "split": "the maps are divided between branches",
}


@dataclass(frozen=True)
class Formula:
    """One line: the quantity, its formula in words, the formula with numbers ("" for none), and the result."""

    label: str
    formula: str
    numbers: str
    result: str


def layer_formulas(layer: Layer) -> tuple[Formula, ...]:
    """All formulas of a layer."""
    if layer.window is not None:
        return _with_counted_parameters(layer, window_formulas(layer.window))
    if layer.row.operation == "dense":
        return _dense_formulas(layer)
    return _other_formulas(layer)


def window_formulas(window: Window) -> tuple[Formula, ...]:
    """The formulas of a convolution or a pool."""
    height, width, depth = window_output_shape(window)
    sizes = (
        Formula("output height", OUTPUT_SIZE, _size_numbers(window, axis=0), f"{height}"),
        Formula("output width", OUTPUT_SIZE, _size_numbers(window, axis=1), f"{width}"),
    )
    if not window.is_conv:
        return (*sizes, Formula("output depth", "the input’s depth", "", f"{depth:,}"))
    return (*sizes, *_conv_formulas(window, (height, width, depth)))


def window_output_shape(window: Window) -> tuple[int, int, int]:
    """(height, width, depth) of the output."""
    if not window.is_conv:
        return pool_output_shape(window.input_shape, window=window.kernel, stride=window.stride, padding=window.pads)
    return conv_output_shape(window.input_shape, **_conv_arguments(window))


def _conv_arguments(window: Window) -> dict:
    return {
        "filters": window.filters,
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": window.pads,
        "dilation": window.dilation,
    }


def _conv_formulas(window: Window, output: tuple[int, int, int]) -> list[Formula]:
    arguments = {**_conv_arguments(window), "groups": window.groups}
    shared = conv_parameters(window.input_shape, **arguments, bias=bool(window.bias))
    unshared = conv_parameters(window.input_shape, **arguments, bias=bool(window.bias), shared=False)
    macs = conv_macs(window.input_shape, **arguments)
    weights = _weights_of_filter(window)
    one_filter = f"({weights} + 1)" if window.bias else f"({weights})"
    bias = " + 1 bias" if window.bias else ""
    outputs = format_product(output)
    return [
        Formula("output depth", "one map per filter", "", f"{output[2]:,}"),
        Formula(
            "parameters",
            f"(window × depth{bias}) × filters",
            f"{one_filter} × {window.filters:,}",
            f"{shared:,}",
        ),
        Formula(
            "without sharing",
            f"(window × depth{bias}) × every output",
            f"{one_filter} × ({outputs})",
            f"{unshared:,}",
        ),
        Formula("multiply-adds", "every output × window × depth", f"({outputs}) × ({weights})", f"{macs:,}"),
    ]


def _weights_of_filter(window: Window) -> str:
    """The number of weights of one filter, as a product."""
    depth = f"{window.input_shape[2]:,}" if window.groups == 1 else f"{window.input_shape[2]:,}/{window.groups:,}"
    return f"{window.kernel[0]} × {window.kernel[1]} × {depth}"


def _size_numbers(window: Window, *, axis: int) -> str:
    (low, high), kernel = window.pads[axis], window.kernel[axis]
    pads = f"{low} + {high}" if low != high else f"2·{low}"
    span = f"{kernel}" if window.dilation[axis] == 1 else f"({kernel - 1}·{window.dilation[axis]} + 1)"
    return f"⌊({window.input_shape[axis]} + {pads} − {span}) / {window.stride[axis]}⌋ + 1"


def _with_counted_parameters(layer: Layer, formulas: tuple[Formula, ...]) -> tuple[Formula, ...]:
    """The formulas with the counted parameters if those differ, as with a table of connections or reused weights."""
    row = layer.row
    by_formula = next((one.result for one in formulas if one.label == "parameters"), "0")
    if by_formula == f"{layer.parameters:,}":
        reused = Formula("counted here", "an earlier layer has the same weights", "", f"{row.parameters:,}")
        return (*formulas, reused) if row.reused_parameters else formulas
    counted = (
        Formula("parameters", "counted; the formula does not apply", "", f"{layer.parameters:,}"),
        Formula("without sharing", "counted", "", f"{row.parameters_without_sharing:,}"),
    )
    return (*(one for one in formulas if one.label not in ("parameters", "without sharing")), *counted)


def _dense_formulas(layer: Layer) -> tuple[Formula, ...]:
    row = layer.row
    inputs, units = layer.inputs[0].shape[-1], row.output_shape[-1]
    positions = math.prod(row.output_shape[1:-1])
    bias = layer.parameters > inputs * units
    parameters = multiplies = "counted"
    parameter_numbers = multiply_numbers = ""
    if layer.parameters == (inputs + bias) * units:
        parameters = "(inputs + 1 bias) × units" if bias else "inputs × units"
        parameter_numbers = f"({inputs:,} + 1) × {units:,}" if bias else format_product((inputs, units))
    if row.macs == inputs * units * positions:
        multiplies = "inputs × units" if positions == 1 else "inputs × units × positions"
        multiply_numbers = format_product((inputs, units) if positions == 1 else (inputs, units, positions))
    return (
        Formula("output", "one value per unit", "", f"{units:,}"),
        Formula("parameters", parameters, parameter_numbers, f"{layer.parameters:,}"),
        Formula("multiply-adds", multiplies, multiply_numbers, _count(row.macs)),
    )


def _other_formulas(layer: Layer) -> tuple[Formula, ...]:
    row = layer.row
    values = f"{number_of_values(layer.maps):,} values"
    formulas = [Formula("output", _operation_in_words(layer), format_product(layer.maps), values)]
    if layer.parameters:
        channels = row.output_shape[-1]
        per_map = layer.parameters % channels == 0
        label = "parameters per map × maps" if per_map else "counted"
        numbers = f"{layer.parameters // channels} × {channels:,}" if per_map else ""
        formulas.append(Formula("parameters", label, numbers, f"{layer.parameters:,}"))
    if row.batch_stats:
        label = "a mean and a variance per map; not trained by the optimizer"
        formulas.append(Formula("batch statistics", label, "", f"{row.batch_stats:,}"))
    if row.macs is None or row.macs:
        formulas.append(Formula("multiply-adds", "counted", "", _count(row.macs)))
    return tuple(formulas)


def _count(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def _operation_in_words(layer: Layer) -> str:
    operation = layer.row.operation
    if operation == "concatenate":
        depths = " + ".join(f"{one.shape[-1]:,}" for one in layer.inputs)
        return f"the maps of all branches: {depths} = {layer.maps[2]:,}"
    if operation in POOL_FUNCTIONS:
        return "one value per map: the mean over all positions" if "avg" in operation else "one value per window"
    return OPERATIONS.get(operation, "the same operation for each value")
