"""The notebooks of notebooks/ in Jupyter; executed they are in build/notebooks, for the documentation site.

Not in the default run: pip install -e ".[notebook]", then pytest -m notebook tests/notebook. A notebook is skipped
where a library that it imports is not installed.
"""

import ast
import base64
import re
from io import BytesIO

import pytest
from documentation.blocks import ROOT
from notebook.jupyter import execute, shown, texts
from PIL import Image

jupytext = pytest.importorskip("jupytext")
pytestmark = pytest.mark.notebook

SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))
EXECUTED = ROOT / "build" / "notebooks"
# What must be among the printed lines of each, and how many tables and pictures it shows at least.
SHOWN = {
    "count_your_network": (
        ("18496 18496", r"Slim +test accuracy 0\.[89]", "conv3 sees 18x18", "\nTrue\n", "fft"),
        2,
        3,
    ),
    "detector": ((r"recall 0\.[789]\d, precision 0\.[789]",), 1, 3),
    "lesson_numbers": (("756,560 separate: 196 times", "43,352,064", r"\(1, 6, 6, 1\) True"), 2, 2),
    "new_head": ((r"frozen parameters", r"test_accuracy 0\.9|test_accuracy 1\.0"), 4, 2),
    "torch_to_onnx": (("\nTrue\n", "the same answers: True", r"test accuracy 0\.[6-9]"), 1, 2),
    "train_and_look_inside": ((r"test_accuracy 0\.9\d", "square at"), 3, 8),
}
MOST_LINES = 30


def imported_libraries(script):
    """The top-level modules that a notebook imports."""
    for node in ast.walk(ast.parse(script.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from (name.split(".")[0] for name in names)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_notebook_shows_what_it_says(script, tmp_path, monkeypatch):
    libraries = set(imported_libraries(script))
    for library in libraries - {"torchvision"}:
        pytest.importorskip(library)
    # As users run it: with the optimisations of XLA, and one device.
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    notebook = execute(jupytext.read(script), tmp_path, torchvision="torchvision" in libraries)
    EXECUTED.mkdir(parents=True, exist_ok=True)
    written = jupytext.writes(notebook, fmt="ipynb").replace(str(tmp_path), "~")
    (EXECUTED / f"{script.stem}.ipynb").write_text(written)

    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed, tables, pictures = SHOWN[script.stem]
    text = "".join(map(texts, cells))
    assert not [pattern for pattern in printed if not re.search(pattern, text)], text
    assert sum(len(shown(cell, "text/html")) for cell in cells) >= tables
    drawn = [Image.open(BytesIO(base64.b64decode(png))) for cell in cells for png in shown(cell, "image/png")]
    assert len(drawn) >= pictures and all(len(picture.getcolors(2**24)) > 2 for picture in drawn)
    for cell in cells:
        assert not texts(cell, "stderr") and texts(cell).count("\n") <= MOST_LINES, cell.source
        assert "\x1b" not in texts(cell) and not cell.source.startswith("%"), cell.source


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_notebook_is_a_readable_script(script):
    notebook = jupytext.read(script)
    first, *_, last = notebook.cells
    assert notebook.metadata.jupytext.text_representation["format_name"] == "percent"
    assert first.cell_type == last.cell_type == "markdown" and first.source.startswith("# ")
    assert len(notebook.cells) > 10 and script.stem in SHOWN
