"""The command line: `zoo COMMAND`, or `python -m zoo COMMAND`; `zoo --help` lists the commands."""

from __future__ import annotations

import sys

from zoo.runtime.process import run_process, started_as

# False for type checkers too, were it not named so. Slow imports wait until Ctrl-C is handled.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.commands.arguments.parser import Parser

# A new command is one file in zoo/commands and one name here.
COMMANDS = (
    *("list", "summary", "weights", "convert", "predict", "evaluate", "train", "visualize", "report"),
    *("cache", "doctor"),
)


def parser(chosen: str | None = None, program: str = "zoo") -> Parser:
    """The parser of all commands, with the arguments of the `chosen` one, whose function is `run` in the result.

    The other commands have no arguments: those of `train` would import all of `zoo.training`, which takes seconds.
    `program` is how the process was started, for messages; a script of that name is a command itself.
    """
    from argparse import RawDescriptionHelpFormatter
    from importlib import import_module

    from zoo import __version__
    from zoo.commands.arguments.parser import Parser

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
        if name == chosen:
            command.add_arguments(options)
        options.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None, program: str = "zoo") -> int:
    """Run a command and return its exit status: 2 after bad input, which is one line on standard error.

    Without `arguments` this process is the command: its arguments are used, Ctrl-C ends it without a traceback, and
    what libraries log and warn of is turned off or one line. `program` is how it was started, for messages.
    """
    if arguments is None:
        return run_process(lambda: run_in_process(sys.argv[1:], " ".join(started_as(sys.argv[0]))))

    from argparse import Namespace

    from zoo.runtime.failures import exit_status

    def command() -> int | None:
        args = parser(next(iter(arguments), None), program).parse_args(arguments, Namespace(given=list(arguments)))
        return args.run(args)

    return exit_status(command)


def run_in_process(arguments: Sequence[str], program: str) -> int:
    """`main` of a process of its own, whose libraries are quiet, and in which training is fast.

    In another process, such as a notebook's (`%run train.py`), libraries stay as they are there.
    """
    from zoo.runtime.own_process import is_own_process

    if not is_own_process():
        return main(arguments, program)

    from zoo.runtime.environment import check_address_space, check_xla_flags, plain_figures
    from zoo.runtime.failures import exit_status
    from zoo.runtime.huge_pages import restart_with_huge_pages
    from zoo.runtime.log_filters import quiet_libraries
    from zoo.runtime.lost_output import continue_without_output

    if arguments[:1] == ["train"]:
        restart_with_huge_pages()
        if not {"-h", "--help"}.intersection(arguments):
            continue_without_output()
    quiet_libraries()
    plain_figures()
    # It says what is wrong with them, among other things.
    if arguments[:1] == ["doctor"]:
        return main(arguments, program)
    return exit_status(check_address_space) or exit_status(check_xla_flags) or main(arguments, program)


if __name__ == "__main__":
    sys.exit(main())
