"""The file that a figure is written to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.runtime.atomic_files import check_replaceable, replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_figure_path(path: Path) -> None:
    """Raises ZooError if no figure can be written to `path`; call it before what takes long."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ZooError("a figure needs matplotlib: pip install matplotlib, or leave out the figure") from None
    formats = Figure().canvas.get_supported_filetypes()
    if _format(path) not in formats:
        raise ZooError(f"{path} has no suffix of a figure: choose one of .{', .'.join(sorted(formats))}")
    if not path.absolute().parent.is_dir():
        raise ZooError(f"cannot write {path}: there is no folder {path.parent}")
    check_replaceable(path)


def write_figure(path: Path, make: Callable[[], Figure]) -> None:
    """Write the figure that is made in the format of the path's suffix. Raises ZooError as `check_figure_path`."""
    check_figure_path(path)
    with replacing(path) as unfinished:
        make().savefig(unfinished, format=_format(path), bbox_inches="tight")


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")
