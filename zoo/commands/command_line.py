"""The parser of the command line."""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Collection
from importlib import import_module

from zoo import __version__
from zoo.commands.arguments.parser import Parser

# A new command is one file in zoo/commands and one name here.
COMMANDS = (
    *("list", "summary", "weights", "convert", "push", "predict", "evaluate", "data", "recipes", "train"),
    *("visualize", "report", "lesson", "export", "cache", "doctor", "completions"),
)


def parser(chosen: str | None = None, program: str = "zoo") -> Parser:
    """The parser of all commands, with the arguments of the `chosen` one, whose function is `run` in the result.

    The other commands have no arguments: those of `train` would import all of `zoo.training`, which takes seconds.
    `program` is how the process was started, for messages; a script of that name is a command itself.
    """
    return _parser([] if chosen is None else [chosen], program)


def parser_with_all_arguments() -> Parser:
    """The parser of all commands with the arguments of each."""
    return _parser(COMMANDS, "zoo")


def _parser(with_arguments: Collection[str], program: str) -> Parser:
    top = Parser(prog=program, description="Convolutional networks in JAX and Flax.")
    top.add_argument("--version", action="version", version=f"zoo {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = import_module(f"zoo.commands.{name}")
        options = subparsers.add_parser(
            name,
            prog=program if program.endswith(".py") else f"{program} {name}",
            help=command.HELP,
            description=command.__doc__,
            formatter_class=RawDescriptionHelpFormatter,
        )
        if name in with_arguments:
            command.add_arguments(options)
        options.set_defaults(run=command.run)
    return top
