"""What is told is told as it is."""

import io

from rich.console import Console

from zoo.runtime.console import tell


def test_brackets_and_long_lines_stay():
    console = Console(file=io.StringIO(), width=20)
    line = "go on with: --freeze 'inception_4[a-c]/.*' [/tmp/run] [bold] and so on"
    tell(console, line)
    assert console.file.getvalue() == line + "\n"
