"""Lines for people, on the console."""

from rich.console import Console


def tell(console: Console, text: str, style: str | None = None) -> None:
    """Print a line as it is: what is in it is not Rich's markup, and long lines are the terminal's to wrap."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
