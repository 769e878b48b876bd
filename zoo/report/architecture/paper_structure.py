"""The columns of a paper's table that say how each line is built, beside the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.counting.paper_tables import PaperRow
from zoo.report.layers.counted_network import CountedNetwork, Layer
from zoo.report.layers.depth import is_weighted, longest_path


@dataclass(frozen=True)
class StructureCell:
    """A cell as the paper prints it, and what the network has there; both "" where there is nothing."""

    published: str
    counted: str


def structure_cells(row: PaperRow, columns: Sequence[str], network: CountedNetwork) -> tuple[StructureCell, ...]:
    """A line's cells: "patch/stride" as 3x3/2, "depth" in layers with weights; any other column is a submodule's maps.

    A row without printed structure, such as a sum, has empty cells.
    """
    if not row.structure:
        return (StructureCell("", ""),) * len(columns)
    layers = _layers_of(row, network)
    return tuple(StructureCell(row.structure.get(name, ""), _counted(name, layers)) for name in columns)


def _layers_of(row: PaperRow, network: CountedNetwork) -> tuple[Layer, ...]:
    operation, _, number = row.layers.partition(" ")
    if number:
        found = [layer for layer in network.layers if not layer.row.path and layer.row.operation == operation]
        return tuple(found[int(number) - 1 :][:1])
    return tuple(layer for layer in network.layers if fnmatchcase(layer.top, row.layers))


def _counted(column: str, layers: Sequence[Layer]) -> str:
    if column == "depth":
        return str(longest_path(layers, is_weighted))
    if column == "patch/stride":
        return _window(layers)
    inside = [layer for layer in layers if is_weighted(layer) and layer.row.path.split("/")[1] == column]
    return str(inside[-1].maps[2]) if inside else ""


def _window(layers: Sequence[Layer]) -> str:
    """The window of layers in a row; "" where branches have several."""
    if not layers or any(layer.joins for layer in layers):
        return ""
    last = next((layer for layer in reversed(layers) if layer.window), layers[-1])
    if last.window:
        return f"{'x'.join(map(str, last.window.kernel))}/{last.window.stride[0]}"
    # Its window is the whole map.
    return f"{'x'.join(map(str, last.inputs[0].shape[1:3]))}/1" if last.row.operation == "global_avg_pool" else ""
