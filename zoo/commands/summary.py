"""Show every layer of a network: shape, parameters, multiply-adds and receptive field.

zoo summary googlenet --depth 1
zoo summary googlenet --against paper
zoo summary my_nets:Net --model-arg width=2 --input 32x32x1     your own network
"""

import argparse
from typing import Any

from zoo.commands.arguments.network import MODEL_HELP, add_model_arg
from zoo.commands.arguments.positional import add_positional_or_flag
from zoo.commands.arguments.types import InRange
from zoo.runtime.limits import CLASSES, DEPTH

HELP = "show every layer of a network with its counts"
FORMATS = ("text", "markdown", "csv", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `summary`."""
    add_positional_or_flag(parser, "model", "MODEL", required=True, description=MODEL_HELP)
    add_model_arg(parser)
    parser.add_argument("--input", metavar="N", help="image size: 224, 224x320 (height first) or 32x32x1")
    parser.add_argument("--depth", type=InRange(DEPTH), metavar="N", help="levels of submodules to show (default: all)")
    parser.add_argument("--classes", type=InRange(CLASSES), metavar="N", help="number of classes; 0 for no classifier")
    parser.add_argument("--format", choices=FORMATS, default="text", help="output format (default: text)")
    parser.add_argument("--xla", action="store_true", help="add XLA's own cost estimate of each layer")
    parser.add_argument(
        "--without-sharing",
        action="store_true",
        help="add the parameters of each layer if every output position had its own (csv and json always have them)",
    )
    parser.add_argument("--against", choices=["paper"], help="compare the counts with the table in the paper")


def run(args: argparse.Namespace) -> None:
    """Print a network's table."""
    from zoo.commands.arguments.network import load_network, parse_image_shape
    from zoo.runtime.console import terminal_width

    model = load_network(args.model, args.classes, args.model_arg)
    shape = parse_image_shape(args.input, model)
    if args.against:
        _refuse_with_against(args)
        print(_write(_against_paper(args.model, model, shape), args.format, {"width": terminal_width()}))
        return
    summary = _summarize(model, shape, depth=args.depth, xla=args.xla)
    unshared = {"without_sharing": args.without_sharing}
    options = {"text": {"width": terminal_width(), **unshared}, "markdown": unshared}
    print(_write(summary, args.format, options.get(args.format, {})))


def _refuse_with_against(args: argparse.Namespace) -> None:
    from zoo.errors import ZooError

    for flag, given in {
        "depth": args.depth is not None,
        "xla": args.xla,
        "without-sharing": args.without_sharing,
    }.items():
        if given:
            raise ZooError(f"--{flag} has no effect with --against: leave out one of them")


def _write(result: Any, form: str, options: dict[str, Any]) -> str:
    if form == "text":
        return result.to_text(**options)
    if form == "markdown":
        return result.to_markdown(**{name: value for name, value in options.items() if name != "width"})
    return result.to_csv() if form == "csv" else result.to_json()


def _summarize(model: Any, shape: tuple[int, int, int], depth: int | None = None, xla: bool = False) -> Any:
    from zoo.count import summarize
    from zoo.geometry import WindowTooLarge
    from zoo.models.variables import check_image_shape

    try:
        return summarize(model, (1, *shape), depth=depth, xla=xla)
    except WindowTooLarge:
        # Its message says which size is large enough.
        check_image_shape(model, shape)
        raise


def _against_paper(name: str, model: Any, shape: tuple[int, int, int]) -> Any:
    from zoo.count import PAPER_TABLES, compare_with_paper
    from zoo.errors import ZooError

    if name not in PAPER_TABLES:
        raise ZooError(f"no published table for {name!r}; there are tables for {', '.join(PAPER_TABLES)}")
    return compare_with_paper(_summarize(model, shape), PAPER_TABLES[name])
