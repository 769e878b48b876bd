"""The pages about Python and notebooks as notebooks: every block is a cell, and Jupyter runs them.

Not in the default run: pip install -e ".[notebook]", then pytest -m notebook.
"""

import base64
import re
import shutil
from io import BytesIO

import pytest
from documentation.blocks import FENCE, ROOT
from notebook.jupyter import execute, nbformat, shown, texts
from PIL import Image

pytestmark = pytest.mark.notebook

SETUP = """
import os, signal
process, handler = os.getpid(), signal.getsignal(signal.SIGINT)
"""
CHECK = """
import matplotlib
assert (process, handler) == (os.getpid(), signal.getsignal(signal.SIGINT))
assert "inline" in matplotlib.get_backend()
"""
# What the stop button does, once the first epoch is written.
STOP = """
import pathlib, threading, time, zoo

def press_stop(times):
    while not (rows := pathlib.Path("runs/stopped/metrics.jsonl")).exists() or not rows.read_text():
        time.sleep(0.01)
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=press_stop, args=[1]).start()
result = zoo.train("lenet5", "digits", {"epochs": 2000}, run_dir="runs/stopped")
assert not result.finished and 0 < len(result.history) < 2000
"""
THREAD = """
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    assert pool.submit(zoo.train, "lenet5", "digits", {"epochs": 1}, run_dir="runs/thread").result().finished
"""
FLOOD = """
digits = zoo.data.open_dataset("digits").train
many = zoo.train("lenet5", (digits.images[:100], digits.labels[:100]), {"epochs": 120, "image_size": 32})
assert len(many.evaluations) == 120
"""


def run_notebook(cells, folder):
    """The executed cells, in a folder that has train.py, as a checkout has."""
    shutil.copy(ROOT / "train.py", folder)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    return execute(notebook, folder).cells


def blocks(page):
    """The code of the page's blocks that run in a notebook."""
    return [code for kind, code in FENCE.findall((ROOT / "docs" / page).read_text()) if kind in ("python", "ipython")]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The cells of docs/notebooks.md, by what they do; and the folder."""
    folder = tmp_path_factory.mktemp("notebook")
    names = ("summary", "train", "history", "predict", "load", "pictures", "run", "process")
    cells = run_notebook([SETUP, *blocks("notebooks.md"), CHECK], folder)
    return dict(zip(("setup", *names, "check"), cells, strict=True)), folder


@pytest.mark.parametrize("name", ["summary", "train", "history", "predict", "load"])
def test_results_are_tables(executed, name):
    [page] = shown(executed[0][name], "text/html")
    assert "<table>" in page and len(page) < 20_000


def test_pictures_show_themselves(executed):
    [png] = shown(executed[0]["pictures"], "image/png")
    assert Image.open(BytesIO(base64.b64decode(png))).width > 32


@pytest.mark.parametrize("name", ["train", "run"])
def test_training_is_one_line_that_is_replaced_and_a_line_per_epoch(executed, name):
    cell = executed[0][name]
    status, *_ = shown(cell, "text/plain")
    assert re.search(r"epoch (\d)/\1 .* images/s", status)
    assert texts(cell).count("test_accuracy ") == (5 if name == "train" else 1)
    assert "\x1b" not in texts(cell) and "\r" not in texts(cell)


@pytest.mark.parametrize("name", ["run", "process"])
def test_the_command_works_in_the_notebook_and_beside_it(executed, name):
    cells, folder = executed
    assert "test_accuracy=" in texts(cells[name])
    assert (folder / "runs" / {"run": "command", "process": "process"}[name] / "curves.png").exists()
    assert "\x1b" not in texts(cells[name], "stdout")


def test_what_is_printed_on_standard_error(executed):
    # What is lost in a notebook, where Linux gives huge pages on request, is said once.
    cells, _ = executed
    printed = "".join(texts(cells[name], "stderr") for name in cells if name != "process")
    assert printed.count("huge pages") <= 1 and "Traceback" not in printed and "absl" not in printed


def test_the_stop_button_returns_what_there_is_and_nothing_floods(tmp_path):
    *_, flood, _ = run_notebook([SETUP, STOP, THREAD, FLOOD, CHECK], tmp_path)
    assert 40 < texts(flood).count("test_accuracy ") < 60
    assert len(texts(flood)) < 10_000


def test_the_code_of_the_page_about_training_from_python(tmp_path):
    first, second = run_notebook(blocks("training-python.md"), tmp_path)
    assert re.search(r"0\.\d\d\d  \d", texts(first))
    accuracies = [float(found) for found in re.findall(r"test accuracy (0\.\d+)", texts(second))]
    assert len(accuracies) == 3 and accuracies[-1] > 0.8
    assert not (tmp_path / "checkpoints").exists()
