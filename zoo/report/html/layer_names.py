"""Layers, blocks and receptive fields as the page names them."""

import re
from typing import TYPE_CHECKING

from zoo.counting.records import Row
from zoo.counting.render import receptive_field, size
from zoo.printable import counted
from zoo.report.architecture.blocks import Block
from zoo.report.layers.counted_network import Layer
from zoo.report.layers.depth import is_weighted

if TYPE_CHECKING:
    from markupsafe import Markup

# The side of a receptive field that is the whole image, for sorting: more than that of any other.
WHOLE_IMAGE = 10**6
# The functions that the templates use as filters.
TEMPLATE_FILTERS = (
    "with_line_breaks",
    "block_operation",
    "layer_name",
    "operation_in_words",
    "format_field",
    "field_area",
    "file_name",
)


def layer_name(layer: Layer, block: Block) -> str:
    """Its path inside the block; the operation if it lies between modules."""
    if len(block.layers) == 1:
        return layer.row.path.removesuffix("/conv") or layer.row.operation
    inside = layer.row.path.removeprefix(block.name).strip("/")
    if not inside:
        return layer.row.operation if layer.row.operation != "conv" else layer.row.path or "conv"
    return inside.removesuffix("/conv") if layer.row.operation == "conv" else inside


def block_operation(block: Block) -> str:
    """The operation of a block with one main layer; else how many layers with weights it has."""
    main = [layer for layer in block.layers if not layer.is_minor and layer.row.operation != "batch_norm"]
    if len(main) == 1:
        return operation_in_words(main[0].row)
    weighted = sum(map(is_weighted, main))
    return f"{counted(weighted, 'layer')} with weights" if weighted else f"{len(main)} operations"


def with_line_breaks(name: str) -> "Markup":
    """The name as HTML, in which a line may break after "_" and "/"."""
    from markupsafe import Markup, escape

    return Markup("").join(
        Markup("{}<wbr>").format(part) if part in ("_", "/") else escape(part) for part in re.split(r"([_/])", name)
    )


def operation_in_words(row: Row) -> str:
    """The operation with its window: conv 3×3, stride 2, padding 1."""
    name = row.operation.replace("_", " ")
    if not row.kernel:
        return name
    parts = [f"{name} {'×'.join(map(str, row.kernel))}"]
    if row.stride and set(row.stride) != {1}:
        parts.append(f"stride {_sizes(row.stride)}")
    if row.padding and set(row.padding) != {(0, 0)}:
        parts.append(f"padding {_padding(row.padding)}")
    if row.dilation and set(row.dilation) != {1}:
        parts.append(f"dilation {_sizes(row.dilation)}")
    if (row.groups or 1) > 1:
        parts.append(f"{row.groups} groups")
    return ", ".join(parts)


def format_field(field: tuple, exact: tuple[bool, ...] = (True, True)) -> str:
    """A receptive field (height, width) in pixels: 43, 43×51, or "all" for the whole image; if not exact, ≤43 or ?."""
    return receptive_field(field, exact).replace("<=", "≤").replace("x", "×")


def field_area(field: tuple) -> float:
    """A receptive field's area in pixels, for sorting."""
    height, width = (WHOLE_IMAGE if side is None else float(side) for side in (*field, 1)[:2]) if field else (0, 0)
    return height * width


def file_name(name: str) -> str:
    """The name with "_" for all that a file name should not contain."""
    return re.sub(r"[^\w.-]+", "_", name)


def _sizes(values: tuple, empty: str = "") -> str:
    return size(values, empty).replace("x", "×")


def _padding(pads: tuple) -> str:
    sides = [str(low) if low == high else f"{low}:{high}" for low, high in pads]
    return sides[0] if len(set(sides)) == 1 else "×".join(sides)
