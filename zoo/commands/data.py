"""Show what a data set holds, before anything is learned from it.

zoo data ~/photos
zoo data ~/photos --sheet photos.png
zoo data cifar10 --json
zoo data pack ~/photos ~/photos-packed        write any data set as a few large files, which every command reads

The images of each class and split; sizes and channels; images that cannot be read; copies, also in both splits, where a
test measures what was learned; files that are left out. A folder may have splits of its own, such as train and test (or
Training and Val); otherwise a fifth of each class is for testing, by a hash of the image's path in the folder. Of a
large data set 2,000 images are decoded and 100,000 compared, evenly spaced, unless --all is given; the output says how
many.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import check_data_dir
from zoo.commands.arguments.positional import add_positional_or_flag
from zoo.commands.arguments.types import path
from zoo.errors import ZooError
from zoo.printable import printable

if TYPE_CHECKING:
    from zoo.data.inspection.survey import Survey

HELP = "show what a data set holds: classes, sizes, unreadable images, copies"

# Unreadable images, and groups of copies, that are listed; more are counted.
MAX_LISTED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `data`."""
    add_positional_or_flag(
        parser,
        "dataset",
        "DATA",
        required=True,
        description="digits, a folder, hf://datasets/..., or a TFDS name",
    )
    # Of `zoo data pack FOLDER OUT`.
    parser.add_argument("pack", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="the folder of TFDS data sets")
    parser.add_argument("--sheet", type=path, metavar="FILE", help="draw images of each class: .png, .svg or .pdf")
    parser.add_argument("--all", action="store_true", help="decode and compare all images, however many there are")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    """Print what was found in the data set, or pack it."""
    if args.pack:
        return _pack(args)
    _show(args)


def _pack(args: argparse.Namespace) -> None:
    from pathlib import Path

    from zoo.data import open_dataset
    from zoo.data.pack import pack

    if args.dataset != "pack" or len(args.pack) != 2:
        raise ZooError("give one data set, or: zoo data pack DATA OUT")
    if args.sheet or args.all or args.json:
        raise ZooError("--sheet, --all and --json have no effect with pack: leave them out")
    name, out = args.pack
    check_data_dir(name, args.data_dir)
    dataset = open_dataset(name, args.data_dir)
    pack(dataset, Path(out))
    print(f"{printable(out)}: {len(dataset.train):,} training and {len(dataset.test):,} test images")


def _show(args: argparse.Namespace) -> None:
    import json
    import warnings

    from rich.console import Console

    from zoo.data import open_dataset
    from zoo.data.inspection.survey import COMPLETE, USUAL, survey
    from zoo.visualize.sheets.contact_sheet import save_contact_sheet
    from zoo.visualize.sheets.figure_file import check_figure_path

    if args.sheet:
        check_figure_path(args.sheet)
    check_data_dir(args.dataset, args.data_dir)
    dataset = open_dataset(args.dataset, args.data_dir)
    with warnings.catch_warnings(), Console(stderr=True).status("looking at the images"):
        # PIL warns about damage that it can repair.
        warnings.filterwarnings("ignore", module=r"PIL\b")
        found = survey(dataset, COMPLETE if args.all else USUAL)
        if args.sheet:
            save_contact_sheet(args.sheet, dataset)
    print(json.dumps(found.to_json()) if args.json else _as_text(found))
    if args.sheet and not args.json:
        print(printable(args.sheet))


def _as_text(found: Survey) -> str:
    from zoo.data.inspection.lines import (
        contradictory_images,
        describe_classes,
        describe_copies,
        describe_looked_at,
        leaked_images,
    )
    from zoo.runtime.text_tables import aligned_table

    counted = [[row.name, _count(row.training), _count(row.test)] for row in found.classes]
    table = aligned_table(["class", "training", "test"], counted, [True, False, False])
    unreadable = [image.error for image in found.looked_at.unreadable]
    lines = [
        describe_classes(found, balanced=False),
        "",
        *table,
        "",
        describe_looked_at(found),
        *_listed(f"{len(unreadable)} cannot be read:", unreadable),
        *describe_copies(found),
        # The lines above have the first of each.
        *_listed("in both splits:", [leaked_images(group) for group in found.leaked if len(found.leaked) > 1]),
        *_listed(
            "in several classes:",
            [contradictory_images(group) for group in found.contradictory if len(found.contradictory) > 1],
        ),
        *([found.left_out] if found.left_out else []),
    ]
    return "\n".join(lines)


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _listed(title: str, items: list[str]) -> list[str]:
    if not items:
        return []
    more = [f"  and {len(items) - MAX_LISTED} more"] if len(items) > MAX_LISTED else []
    return [title, *(f"  {item}" for item in items[:MAX_LISTED]), *more]
