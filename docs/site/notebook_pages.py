"""Pages of the notebooks: their text, code and outputs as Markdown.

Outputs are those of build/notebooks, which `pytest -m notebook tests/notebook` writes, if they are of the same cells.
Without them a page has the text and the code.
"""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from pages import ROOT

EXECUTED = ROOT / "build" / "notebooks"
Pictures = dict[str, bytes]


def notebook_page(script: Path) -> tuple[str, Pictures]:
    """The Markdown of a page, and the pictures beside it by their names."""
    notebook = executed(script) or jupytext.read(ROOT / script)
    pictures: Pictures = {}
    title, *rest = (part for cell in notebook.cells for part in _cell(cell, script.stem, pictures))
    origin = (
        f"This page is the notebook `{script}`: Jupyter opens it with `pip install jupyterlab jupytext`, "
        "and VS Code as it is."
    )
    return "\n\n".join([*title.split("\n\n", 1)[:1], origin, *title.split("\n\n", 1)[1:], *rest]) + "\n", pictures


def executed(script: Path) -> NotebookNode | None:
    """The executed notebook, if it has the cells of the script."""
    path = EXECUTED / f"{script.stem}.ipynb"
    if not path.exists():
        return None
    notebook = jupytext.read(path)
    return notebook if _sources(notebook) == _sources(jupytext.read(ROOT / script)) else None


def _sources(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def _cell(cell: NotebookNode, name: str, pictures: Pictures) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.get("outputs", ()):
        yield from _output(output, name, pictures)


def _output(output: NotebookNode, name: str, pictures: Pictures) -> Iterator[str]:
    """The richest form of an output."""
    if output.output_type == "stream":
        yield f"```text\n{output.text.rstrip()}\n```"
        return
    data: Mapping[str, str] = output.get("data", {})
    if "image/png" in data:
        picture = f"{name}-{len(pictures) + 1}.png"
        pictures[picture] = base64.b64decode(data["image/png"])
        yield f"![What the code above draws]({picture})"
    elif "text/html" in data:
        # Without empty lines, after which Markdown would begin again.
        lines = (line for line in data["text/html"].splitlines() if line.strip())
        yield "\n".join(['<div class="notebook-output">', *lines, "</div>"])
    elif "text/plain" in data:
        yield f"```text\n{data['text/plain'].rstrip()}\n```"
