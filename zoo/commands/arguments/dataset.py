"""The arguments --dataset and --data-dir."""

from pathlib import Path

from zoo.errors import ZooError


def check_data_dir(dataset: str | None, data_dir: Path | None) -> None:
    """Raises ZooError where --data-dir has no effect: a folder is not looked for in it."""
    if data_dir and dataset and Path(dataset).is_dir():
        raise ZooError(f"--data-dir is given and has no effect: {dataset} is a folder; leave out --data-dir")
