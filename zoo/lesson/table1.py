"""GoogLeNet's Table 1 as the paper prints it, beside what the network has, from the library's own copy of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from zoo.counting.paper_tables import GOOGLENET, GOOGLENET_STRUCTURE, PaperRow
from zoo.registry import create_model
from zoo.report.architecture.paper import PaperFigure, PaperFigureRow, paper_figures
from zoo.report.architecture.paper_structure import StructureCell, structure_cells
from zoo.report.layers.counted_network import CountedNetwork, count_network

MODEL = "googlenet"
# In the order of the paper; after them come the parameters and the operations.
COLUMNS = (GOOGLENET_STRUCTURE[0], "output", *GOOGLENET_STRUCTURE[1:])


@dataclass(frozen=True)
class Table1Row:
    """A line: its type ("max pool", "" for the sum), its cells by `COLUMNS`, its figures, and its note.

    Figures are None where none is printed. `note` is the label of the first row that has the same note, or "".
    """

    type: str
    cells: Mapping[str, StructureCell]
    weights: PaperFigure | None
    macs: PaperFigure | None
    note: str


@dataclass(frozen=True)
class Branch:
    """A branch of an Inception module: the name of its window, its maps, and those of the 1x1 convolution before."""

    name: str
    maps: int
    reduce: int


@dataclass(frozen=True)
class InceptionModule:
    """The shapes 28×28×192 of its input and its output, and its branches in the order of their maps."""

    input: str
    output: str
    branches: tuple[Branch, ...]


@cache
def table1() -> tuple[Table1Row, ...]:
    """All lines of Table 1, and their sum. The network is counted once."""
    network = count_network(MODEL, create_model(MODEL), (GOOGLENET.input_size, GOOGLENET.input_size, 3))
    figures = paper_figures(MODEL, network, ())
    assert figures is not None  # it has a table, for this image size
    # Rows with the same reason share one note, that of the first of them.
    first_with = {row.note: row.label for row in reversed(figures.rows)}
    pairs = zip(GOOGLENET.rows, figures.rows, strict=True)
    return tuple(_row(printed, row, network, first_with[row.note] if row.note else "") for printed, row in pairs)


def table1_notes() -> Mapping[str, str]:
    """What is known of the deviations, each once, by the label of the first row that it is about."""
    labels = dict.fromkeys(row.note for row in table1() if row.note)
    return {label: next(row.note for row in GOOGLENET.rows if row.label == label) for label in labels}


def inception_module(label: str = "inception (3a)") -> InceptionModule:
    """One module of the table, with the output of the line before as its input."""
    rows = table1()
    index = next(i for i, row in enumerate(rows) if row.type == label)
    cells = rows[index].cells
    maps = {name: int(cells[name].published) for name in GOOGLENET_STRUCTURE[2:]}
    return InceptionModule(
        input=rows[index - 1].cells["output"].published,
        output=cells["output"].published,
        branches=(
            Branch("1x1", maps["1x1"], 0),
            Branch("3x3", maps["3x3"], maps["3x3_reduce"]),
            Branch("5x5", maps["5x5"], maps["5x5_reduce"]),
            Branch("pool", maps["pool_proj"], 0),
        ),
    )


def _row(printed: PaperRow, row: PaperFigureRow, network: CountedNetwork, note: str) -> Table1Row:
    structure = structure_cells(printed, GOOGLENET_STRUCTURE, network)
    cells = dict(zip(GOOGLENET_STRUCTURE, structure, strict=True)) | {"output": _output(row.figure("output"))}
    label = printed.label.removesuffix(printed.structure.get("patch/stride", "")).strip()
    return Table1Row(
        type=label if printed.structure else "",
        cells={name: StructureCell(_times(cells[name].published), _times(cells[name].counted)) for name in COLUMNS},
        weights=row.figure("weights"),
        macs=row.figure("MACs"),
        note=note,
    )


def _output(figure: PaperFigure | None) -> StructureCell:
    if figure is None:
        return StructureCell("", "")
    return StructureCell(figure.published, "" if figure.counted == "none" else figure.counted)


def _times(text: str) -> str:
    return text.replace("x", "×")
