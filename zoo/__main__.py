"""The command line: `zoo COMMAND`, or `python -m zoo COMMAND`; `zoo --help` lists the commands."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from zoo import __version__
from zoo.errors import ZooError
from zoo.runtime.huge_pages import restart_with_huge_pages
from zoo.runtime.log_filters import quiet_libraries

# A new command is one file in zoo/commands and one name here.
COMMANDS = ("list", "summary", "weights", "convert", "predict", "evaluate", "train", "visualize", "report")


def parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, with the arguments of the `chosen` one, whose function is `run` in the result.

    The other commands have no arguments: those of `train` would import all of `zoo.training`, which takes seconds.
    """
    top = argparse.ArgumentParser(prog="zoo", description="Convolutional networks in JAX and Flax.")
    top.add_argument("--version", action="version", version=f"zoo {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = import_module(f"zoo.commands.{name}")
        options = subparsers.add_parser(
            name,
            help=command.HELP,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            command.add_arguments(options)
        options.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 2 after bad input, which is one line on standard error.

    Without `arguments` those of the process are used, and the logs of libraries are turned off.
    """
    if arguments is None:
        arguments = sys.argv[1:]
        if arguments[:1] == ["train"]:
            restart_with_huge_pages()
        quiet_libraries()
    args = parser(next(iter(arguments), None)).parse_args(arguments, argparse.Namespace(given=list(arguments)))
    try:
        status = args.run(args) or 0
        sys.stdout.flush()
    except ZooError as error:
        print(f"zoo: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. What Python flushes at exit is discarded.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
