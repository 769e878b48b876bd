"""Whether what is printed is shown in a notebook: Jupyter, VS Code, Colab."""

from __future__ import annotations

import os
import sys


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def shown_in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, or a command that a cell has started (`!python train.py`)."""
    # Jupyter sets the variable for kernels, whose children have it too.
    return in_notebook() or "JPY_PARENT_PID" in os.environ
