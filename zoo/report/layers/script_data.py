"""What the page's script needs of each layer: geometry only, all text is in the page already."""

from dataclasses import asdict
from fractions import Fraction

from zoo.report.architecture.description import Described
from zoo.report.layers.formulas import window_steps, worked
from zoo.report.layers.layers import Layer


def script_data(of: Described) -> dict:
    """JSON values: the image's size, and of each layer its window and its field, or null.

    `plain` says whether the window's formulas give all the layer's numbers: shared weights, say, are not theirs.
    """
    height, width, _ = of.network.image_shape
    return {"image": [height, width], "layers": [_layer(layer) for layer in of.network.layers]}


def _layer(layer: Layer) -> dict:
    window = layer.window
    plain = window is not None and window_steps(window) == worked(layer)
    return {"window": asdict(window) if window else None, "plain": plain, "field": _field(layer)}


def _field(layer: Layer) -> dict | None:
    """Places [rows, columns] of a layer with maps, and what the first of them sees: start, size and step an axis."""
    row = layer.row
    known = (row.receptive_field, row.effective_stride, row.offset)
    if len(row.output_shape) != 4 or any(len(values) != 2 for values in known):
        return None
    axes = [_axis(*values) for values in zip(*known, strict=True)]
    return {"places": row.output_shape[1:3], "axes": axes}


def _axis(size: Fraction | int | None, stride: Fraction | int | None, centre: Fraction | int | None) -> list | None:
    if size is None or stride is None or centre is None:
        return None
    return [float(centre - Fraction(size - 1, 2)), float(size), float(stride)]
