"""List the networks: parameters, multiply-adds, input size, year and paper.

python -m zoo list
python -m zoo list "vgg*"
"""

import argparse

HELP = "list the networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `list`."""
    parser.add_argument("pattern", nargs="?", default="*", metavar="PATTERN", help='names to show, as "vgg*"')


def run(args: argparse.Namespace) -> None:
    """Print a line a network."""
    from zoo.counting.render import aligned
    from zoo.errors import ZooError, suggestion
    from zoo.registry import list_models, model_info
    from zoo.runtime.console import terminal_width

    names = list_models(args.pattern)
    if not names:
        near = suggestion(args.pattern.strip("*"), list_models())
        raise ZooError(f"no network's name matches {args.pattern!r}{near}")
    infos = [model_info(name) for name in names]
    cells = [
        [
            i.name,
            f"{i.parameters:,}",
            f"{i.macs:,}",
            f"{i.input_size}x{i.input_size}x{i.channels}",
            str(i.year),
            i.title,
        ]
        for i in infos
    ]
    titles = ["name", "parameters", "MACs", "input", "year", "paper"]
    left = [True, False, False, False, False, True]
    columns = terminal_width()
    for line in aligned(titles, cells, left):
        print(line if columns is None or len(line) <= columns else line[: columns - 1] + "…")
