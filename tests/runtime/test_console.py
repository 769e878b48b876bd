"""Lines are printed verbatim."""

import io

from rich.console import Console

from zoo.runtime.console import print_line


def test_brackets_and_long_lines_stay():
    console = Console(file=io.StringIO(), width=20)
    line = "resume with: --freeze 'inception_4[a-c]/.*' [/tmp/run] [bold] and so on"
    print_line(console, line)
    assert console.file.getvalue() == line + "\n"
