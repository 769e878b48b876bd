"""Whether the disk of a run folder has room for the checkpoints of the run."""

import shutil
import tempfile
from typing import Any

import jax

from zoo.errors import ZooError
from zoo.runtime.system_errors import reason
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.saved_state import arrays


def check_free_space(folder: RunFolder, state: Any, count: int) -> None:
    """Raises ZooError if the run folder cannot be written, or its disk has no room for so many checkpoints at a time.

    `state` may have shapes instead of arrays.
    """
    if not folder.path.is_dir():
        raise ZooError(f"{folder.path} does not exist: all processes must see the same run folder")
    try:
        with tempfile.TemporaryFile(dir=folder.path):
            pass
    except OSError as error:
        raise ZooError(f"cannot write in the run folder {folder.path}: {reason(error)}") from None
    needed, free = checkpoint_bytes(state) * count - saved_bytes(folder), shutil.disk_usage(folder.path).free
    if needed > free:
        raise ZooError(
            f"{folder.path} has room for {free / 2**20:.0f} MB, and {count} checkpoints of this run need "
            f"{needed / 2**20:.0f}: free some space, or choose another folder with --run-dir"
        )


def checkpoint_bytes(state: Any) -> int:
    """The size of a checkpoint of this state, which may have shapes instead of arrays; files are a little larger."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(arrays(state)))


def saved_bytes(folder: RunFolder) -> int:
    """The size of the checkpoints that are in a run folder."""
    return sum(file.stat().st_size for file in folder.steps.rglob("*") if file.is_file())
