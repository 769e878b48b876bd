"""Run the blocks of a page in order, in the current folder: python -m documentation.run_page PAGE [SECTION ...].

With sections it is their Python blocks, also those that are marked as not run: for an environment with what they need.

Python blocks share their names. Outputs are compared with those that the page shows; "..." stands for anything there.
Lines that install packages are left out: what they install is there, or the next line fails.
"""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from documentation.blocks import Block, blocks_of, commands_of

# Alone on a line, or before what follows it.
INSTALLS = re.compile(
    r"^(python3 -m venv \S+|\. \S+/activate|pip install [^&\n]+|sudo apt install [^&\n]+)( && |$)", re.MULTILINE
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# `python` and `zoo` are those of this interpreter's environment.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run_python(block: Block, names: dict) -> str:
    """What the block prints; its names are added to `names`."""
    if block.code.startswith(">>> "):
        test = doctest.DocTestParser().get_doctest(block.code, names, block.page.name, None, block.line)
        doctest.DebugRunner(optionflags=OPTIONS).run(test, clear_globs=False)
        return ""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.code, block.page.name, "exec"), names)
    return printed.getvalue()


def run_shell(command: str, fails: bool) -> str:
    """What the command prints on both outputs; `fails` is whether it must end with another status than 0."""
    while INSTALLS.search(command):
        command = INSTALLS.sub("", command)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": PATH},
    )
    if bool(done.returncode) != fails:
        sys.exit(f"{command}\nends with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def check(block: Block, code: str, expected: str, printed: str) -> None:
    """End with a message where the page shows another output."""
    if expected and not doctest.OutputChecker().check_output(expected, printed, OPTIONS):
        sys.exit(f"{block.page}:{block.line} shows\n{expected}\nand this prints\n{printed}\n{code}")


def run_page(page: Path) -> None:
    """Run the page's blocks, or end at the first that fails."""
    names: dict = {"__name__": "page"}
    for block in blocks_of(page):
        if block.reason:
            continue
        print(block.page.name, block.line, flush=True)
        if block.kind == "python":
            check(block, block.code, block.output, run_python(block, names))
            continue
        for command, output in commands_of(block):
            check(block, command, output, run_shell(command, block.fails))


def run_sections(page: Path, sections: Sequence[str]) -> None:
    """Run the Python blocks of these sections, or end at the first that fails."""
    names: dict = {"__name__": "page"}
    blocks = [block for block in blocks_of(page) if block.kind == "python"]
    if unknown := set(sections) - {block.section for block in blocks}:
        sys.exit(f"{page} has no code in {', '.join(sorted(unknown))}")
    for block in blocks:
        if block.section in sections:
            print(page.name, block.line, flush=True)
            check(block, block.code, block.output, run_python(block, names))


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    if sys.argv[2:]:
        run_sections(Path(sys.argv[1]), sys.argv[2:])
    else:
        run_page(Path(sys.argv[1]))
