"""Whether what is printed is shown in a notebook: Jupyter, VS Code, Colab."""

from __future__ import annotations

import os
import sys


def in_ipython() -> bool:
    """Whether this process is an IPython, of a notebook or of a terminal."""
    return _shell() is not None


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return hasattr(_shell(), "kernel")


def shown_in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, or a command that a cell has started (`!python train.py`)."""
    # Jupyter sets one for its kernels, and IPython's kernel the other for itself; their children have both.
    of_kernel = "JPY_PARENT_PID" in os.environ or os.environ.get("MPLBACKEND", "").endswith("inline")
    return in_notebook() or of_kernel


def _shell() -> object | None:
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
