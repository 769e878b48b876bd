"""The command line: python -m zoo list | summary | weights | convert | predict | evaluate | visualize | report."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from zoo.errors import ZooError
from zoo.runtime.log_filters import quiet_libraries

# A new subcommand is one file in zoo/commands and one name here.
COMMANDS = ("list", "summary", "weights", "convert", "predict", "evaluate", "visualize", "report")


def parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; the chosen one's `run` is in the result as `run`."""
    top = argparse.ArgumentParser(prog="python -m zoo", description="Convolutional networks in JAX and Flax.")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = import_module(f"zoo.commands.{name}")
        options = subparsers.add_parser(
            name,
            help=command.HELP,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(options)
        options.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 2 for bad input, which is told in one line."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    args = parser().parse_args(given, argparse.Namespace(given=given))
    try:
        status = args.run(args) or 0
        sys.stdout.flush()
    except ZooError as error:
        print(f"zoo: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader, as `head`, has had enough. What Python would flush at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    quiet_libraries()
    sys.exit(main())
