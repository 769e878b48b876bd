"""The line that shows where a run is, while it runs: a bar on a terminal, one line in a notebook, nothing elsewhere."""

from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from zoo.runtime.notebook import in_notebook


class StatusLine(Protocol):
    """One line that is written again and again, at most every `seconds`; None for a line that is not shown."""

    seconds: float | None

    def start(self) -> None:
        """Show it."""

    def stop(self) -> None:
        """Remove it."""

    def show(self, step: int, description: str, figures: str) -> None:
        """Write the number of steps, the epoch and the figures into it."""


class NoLine:
    """Nothing: in a file or a pipe each line would stay."""

    seconds: float | None = None

    def start(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""

    def show(self, step: int, description: str, figures: str) -> None:
        """Nothing."""


class TerminalBar:
    """Rich's progress bar, below what is printed."""

    seconds: float | None = 0.25

    def __init__(self, console: Console, step: int, steps: int) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=steps, completed=step, figures="compiling ...")

    def start(self) -> None:
        """Show the bar."""
        self._bar.start()

    def stop(self) -> None:
        """Remove the bar."""
        self._bar.stop()

    def show(self, step: int, description: str, figures: str) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=step, description=description, figures=figures)


class NotebookLine:
    """One output of the cell, which is replaced: a stored notebook has only its last text."""

    seconds: float | None = 1.0

    def __init__(self, step: int, steps: int) -> None:
        self._first, self._steps = step, steps
        self._output: Any = None

    def start(self) -> None:
        """Show the line."""
        from IPython.display import display

        self._output = display(_plain(f"{self._first}/{self._steps} steps  compiling ..."), raw=True, display_id=True)

    def stop(self) -> None:
        """The last text stays."""

    def show(self, step: int, description: str, figures: str) -> None:
        """Replace the text."""
        if self._output:
            self._output.update(_plain(f"{description}  {step}/{self._steps} steps  {figures}"), raw=True)


def _plain(text: str) -> dict[str, Any]:
    return {"text/plain": text}


def open_status_line(console: Console, step: int, steps: int) -> StatusLine:
    """The line for what the console writes to."""
    if console.is_terminal:
        return TerminalBar(console, step, steps)
    return NotebookLine(step, steps) if in_notebook() and not console.quiet else NoLine()
