"""Layers as the page names them."""

import re

from zoo.counting.records import Row
from zoo.counting.render import size
from zoo.report.architecture.blocks import Block
from zoo.report.layers.layers import Layer

# More than any field, for sorting: the whole image.
WHOLE = 10**6
# What the templates use.
FILTERS = ("breakable", "summed_up", "layer_name", "operation", "field", "reach", "file_name")


def layer_name(layer: Layer, block: Block) -> str:
    """Its path inside the block; of an operation between modules, what it does."""
    if len(block.layers) == 1:
        return layer.row.path.removesuffix("/conv") or layer.row.operation
    inside = layer.row.path.removeprefix(block.name).strip("/")
    if not inside:
        return layer.row.operation if layer.row.operation != "conv" else layer.row.path or "conv"
    return inside.removesuffix("/conv") if layer.row.operation == "conv" else inside


def summed_up(block: Block) -> str:
    """What a block does, where one layer of it does; else how many layers it has, activations and the like aside."""
    shown = [layer.row for layer in block.layers if not layer.quiet]
    telling = [row for row in shown if row.operation != "batch_norm"]
    return operation(telling[0]) if len(telling) == 1 else f"{len(shown)} layers"


def breakable(name: str):
    """The name as HTML, with places where a line may end."""
    from markupsafe import Markup, escape

    return Markup("").join(
        Markup("{}<wbr>").format(part) if part in ("_", "/") else escape(part) for part in re.split(r"([_/])", name)
    )


def operation(row: Row) -> str:
    """What it does, with its window: conv 3×3, stride 2, padding 1."""
    name = row.operation.replace("_", " ")
    if not row.kernel:
        return name
    parts = [f"{name} {'×'.join(map(str, row.kernel))}"]
    if set(row.stride or (1,)) != {1}:
        parts.append(f"stride {_sizes(row.stride)}")
    if any(pad != (0, 0) for pad in row.padding or ()):
        parts.append(f"padding {_padding(row.padding)}")
    if set(row.dilation or (1,)) != {1}:
        parts.append(f"dilation {_sizes(row.dilation)}")
    if (row.groups or 1) > 1:
        parts.append(f"{row.groups} groups")
    return ", ".join(parts)


def field(values: tuple) -> str:
    """A receptive field: 43, 43×51, or all of the image."""
    return _sizes(values, "all")


def reach(values: tuple) -> float:
    """A receptive field's area, to sort by."""
    height, width = (WHOLE if value is None else float(value) for value in (*values, 1)[:2]) if values else (0, 0)
    return height * width


def file_name(name: str) -> str:
    """The name with what a file's cannot have left out."""
    return re.sub(r"[^\w.-]+", "_", name)


def _sizes(values: tuple, empty: str = "") -> str:
    return size(values, empty).replace("x", "×")


def _padding(pads: tuple) -> str:
    sides = [str(low) if low == high else f"{low}:{high}" for low, high in pads]
    return sides[0] if len(set(sides)) == 1 else "×".join(sides)
