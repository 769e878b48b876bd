"""The data set that a command line names with --dataset and --data-dir, and how many of its images may be left out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.types import InRange
from zoo.errors import ZooError
from zoo.runtime.console import print_note
from zoo.runtime.limits import COUNT

if TYPE_CHECKING:
    from zoo.data import DataOrigin, Dataset, UnreadableImages

SKIP_UNREADABLE = "--skip-unreadable"


def add_skip_unreadable(parser: argparse._ActionsContainer) -> None:
    """--skip-unreadable, for `unreadable_images`."""
    parser.add_argument(
        SKIP_UNREADABLE,
        type=InRange(COUNT),
        default=0,
        metavar="N",
        help="leave out up to N images that cannot be read (default: 0)",
    )


def unreadable_images(args: argparse.Namespace, origin: DataOrigin | None = None) -> UnreadableImages:
    """None so far, of as many as --skip-unreadable allows, or as the run may leave out whose data these are."""
    from zoo.data import UnreadableImages

    return UnreadableImages(max(args.skip_unreadable, origin.skip_unreadable if origin else 0), SKIP_UNREADABLE)


def named_dataset(name: str, data_dir: Path | None, *, note_left_out: bool = True) -> Dataset:
    """Open a data set; lines on standard error say what may surprise.

    These are the files of a folder that are left out, and that a folder of the same name is not what was meant.
    """
    from zoo.data import open_dataset
    from zoo.data.sources.image_tree import has_images

    dataset = open_dataset(name, data_dir)
    if dataset.place.name == name == "digits" and Path(name).is_dir() and has_images(Path(name)):
        print_note(f"{name} is {dataset.place.describe()}; the folder of this name is ./{name}")
    if note_left_out and dataset.left_out:
        print_note(f"{dataset.name}: {dataset.left_out}")
    return dataset


def check_data_dir(dataset: str | None, data_dir: Path | None) -> None:
    """Raises ZooError where --data-dir has no effect: a folder is not looked for in it, and no data set of the hub."""
    from zoo.data.sources.hub import is_hub_name

    if data_dir and dataset and (is_hub_name(dataset) or Path(dataset).is_dir()):
        kind = "of the hub" if is_hub_name(dataset) else "a folder"
        raise ZooError(f"--data-dir is given and has no effect: {dataset} is {kind}; leave out --data-dir")
