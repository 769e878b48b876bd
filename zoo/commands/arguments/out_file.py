"""Check the file of --out before anything is computed."""

from pathlib import Path


def check_out_file(path: Path, example: str) -> None:
    """Raises ZooError if the file cannot be written there; `example` is a name that could be."""
    from zoo.errors import ZooError
    from zoo.runtime.atomic_files import check_replaceable

    if path.is_dir():
        raise ZooError(f"--out {path} is a folder: give a file, such as {path / example}")
    if not path.absolute().parent.is_dir():
        raise ZooError(f"--out {path}: the folder {path.parent} does not exist: create it first")
    check_replaceable(path)
