"""What the page's script needs of each layer: sizes only, as all text is in the page already."""

from dataclasses import asdict
from fractions import Fraction

from zoo.report.architecture.description import NetworkDescription
from zoo.report.layers.counted_network import Layer
from zoo.report.layers.formulas import layer_formulas, window_formulas

# In pixels of the image.
Length = Fraction | int


def script_data(network: NetworkDescription) -> dict:
    """JSON values: the image's size, and of each layer its window and its receptive field, or null.

    `by_formula` says whether the window's formulas give all of the layer's numbers; shared weights, for example, do
    not follow them.
    """
    height, width, _ = network.counted.image_shape
    return {"image": [height, width], "layers": [_layer_data(layer) for layer in network.counted.layers]}


def _layer_data(layer: Layer) -> dict:
    window = layer.window
    by_formula = window is not None and window_formulas(window) == layer_formulas(layer)
    return {"window": asdict(window) if window else None, "by_formula": by_formula, "field": field_data(layer)}


def field_data(layer: Layer) -> dict | None:
    """The output's positions [rows, columns], and per axis start and size of the first field, and the step."""
    row = layer.row
    known = (row.receptive_field, row.effective_stride, row.offset)
    if len(row.output_shape) != 4 or any(len(values) != 2 for values in known):
        return None
    axes = [_axis_data(*values) for values in zip(*known, strict=True)]
    return {"positions": row.output_shape[1:3], "axes": axes}


def _axis_data(size: Length | None, stride: Length | None, centre: Length | None) -> list[float] | None:
    """[start, size, step] in pixels; None if the field is the whole axis."""
    if size is None or stride is None or centre is None:
        return None
    return [float(centre - Fraction(size - 1, 2)), float(size), float(stride)]
