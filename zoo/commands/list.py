"""List the networks: parameters, multiply-adds, input size, year and paper.

zoo list
zoo list "vgg*"
"""

import argparse

HELP = "list the networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `list`."""
    parser.add_argument("pattern", nargs="?", default="*", metavar="PATTERN", help='the names to show, such as "vgg*"')


def run(args: argparse.Namespace) -> None:
    """Print one line per network."""
    from zoo.errors import ZooError, suggestion
    from zoo.registry import list_models, model_info
    from zoo.runtime.text_tables import print_table

    names = list_models(args.pattern)
    if not names:
        raise ZooError(f"no network is named {args.pattern!r}{suggestion(args.pattern.strip('*'), list_models())}")
    infos = [model_info(name) for name in names]
    cells = [
        [
            info.name,
            f"{info.parameters:,}",
            f"{info.macs:,}",
            f"{info.input_size}x{info.input_size}x{info.channels}",
            str(info.year),
            info.title,
        ]
        for info in infos
    ]
    titles = ["name", "parameters", "MACs", "input", "year", "paper"]
    left = [True, False, False, False, False, True]
    print_table(titles, cells, left)
