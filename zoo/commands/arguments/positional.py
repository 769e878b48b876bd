"""A command's own argument that may have the flag of other commands too: zoo summary NAME, or --model NAME."""

import argparse


def add_positional_or_flag(
    parser: argparse.ArgumentParser, name: str, metavar: str, *, required: bool, description: str
) -> None:
    """The argument `name`, by its position or as --name, and not both; None if it is not required and not given."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(name, nargs="?", default=argparse.SUPPRESS, metavar=metavar, help=description)
    group.add_argument(f"--{name}", metavar=metavar, help=f"the same as {metavar}")
