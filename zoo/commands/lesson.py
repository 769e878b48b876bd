"""Write the lesson: one page on which a student computes every number and watches a network see.

zoo lesson --out lesson.html
zoo lesson --out lesson.html --lang ko
zoo lesson --out lesson.html --reports reports

The page is one HTML file that loads nothing else. It explains convolutional networks from the beginning, its questions
check answers, and a trained LeNet-5 computes in it while the reader draws. With --reports it links to a page about each
network that it names; those that the folder lacks are written.
"""

from __future__ import annotations

import argparse

from zoo.commands.arguments.out_file import check_out_file
from zoo.commands.arguments.types import path
from zoo.printable import printable

HELP = "write the lesson: a page that explains convolutional networks, with one that classifies what you draw"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lesson`."""
    from zoo.lesson import LANGUAGES

    parser.add_argument("--out", type=path, required=True, metavar="FILE.html", help="the file to write")
    parser.add_argument(
        "--lang",
        choices=tuple(LANGUAGES),
        default="en",
        help="language; ko has sections 8 and 9 in Korean, as the original",
    )
    parser.add_argument(
        "--reports",
        type=path,
        metavar="DIR",
        help="folder for a page about each network of the lesson, as zoo report writes it; created if missing",
    )


def run(args: argparse.Namespace) -> None:
    """Write the page, completely or not at all, after the pages that it links to."""
    from zoo.lesson import write_lesson

    check_out_file(args.out, "lesson.html")
    for written in write_lesson(args.out, args.lang, args.reports):
        print(printable(written))
