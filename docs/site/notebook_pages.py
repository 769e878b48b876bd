"""Pages of the notebooks: their text, code and outputs as Markdown.

Outputs are those of build/notebooks, which `pytest -m notebook tests/notebook` writes, if they are of the same cells.
Without them a page has the text and the code.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from pages import ROOT

EXECUTED = ROOT / "build" / "notebooks"


def notebook_page(script: Path) -> str:
    """The Markdown of a page, with its pictures in it."""
    notebook = executed(script) or jupytext.read(ROOT / script)
    first, *rest = (part for cell in notebook.cells for part in _cell(cell))
    heading, _, introduction = first.partition("\n\n")
    origin = (
        f"This page is the notebook `{script}`: Jupyter opens it with `pip install jupyterlab jupytext`, "
        "and VS Code as it is."
    )
    return "\n\n".join([heading, origin, introduction, *rest]) + "\n"


def executed(script: Path) -> NotebookNode | None:
    """The executed notebook, if it has the cells of the script."""
    path = EXECUTED / f"{script.stem}.ipynb"
    if not path.exists():
        return None
    notebook = jupytext.read(path)
    return notebook if _sources(notebook) == _sources(jupytext.read(ROOT / script)) else None


def _sources(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def _cell(cell: NotebookNode) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    # Printed lines arrive in several outputs.
    for printed, outputs in groupby(cell.get("outputs", ()), lambda output: _text(output) is not None):
        if printed:
            yield f"```text\n{''.join(map(_text, outputs)).rstrip()}\n```"
        else:
            yield from (_shown(output.data) for output in outputs)


def _text(output: NotebookNode) -> str | None:
    """The text of an output that is nothing but that."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    return None if {"image/png", "text/html"} & set(data) else f"{data.get('text/plain', '')}\n"


def _shown(data: Mapping[str, str]) -> str:
    """A picture or a table."""
    if "image/png" in data:
        png = "".join(data["image/png"].split())
        return f"![What the code above draws](data:image/png;base64,{png})"
    # Without empty lines, after which Markdown would begin again.
    lines = (line for line in data["text/html"].splitlines() if line.strip())
    return "\n".join(['<div class="notebook-output">', *lines, "</div>"])
