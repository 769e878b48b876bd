"""A folder for files that are needed for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.errors import ZooError
from zoo.runtime.process import interruptible
from zoo.runtime.system_errors import reason


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed at the end, also after Ctrl-C. Raises ZooError where none can be made."""
    try:
        folder = TemporaryDirectory()
    except OSError as error:
        raise ZooError(f"cannot make a temporary folder: {reason(error)}; TMPDIR names another one") from None
    with interruptible(), folder:
        yield Path(folder.name)
