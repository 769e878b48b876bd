"""The command line: `zoo COMMAND`, or `python -m zoo COMMAND`; `zoo --help` lists the commands."""

from __future__ import annotations

import sys

from zoo.runtime.process import run_process, started_as

# False for type checkers too, were it not named so. Slow imports wait until Ctrl-C is handled.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, program: str = "zoo") -> int:
    """Run a command and return its exit status: 2 after bad input, which is one line on standard error.

    Without `arguments` this process is the command: its arguments are used, Ctrl-C ends it without a traceback, and
    what libraries log and warn of is turned off or one line. `program` is how it was started, for messages.
    """
    if arguments is None:
        return run_process(lambda: run_in_process(sys.argv[1:], " ".join(started_as(sys.argv[0]))))

    from argparse import Namespace

    from zoo.commands.command_line import parser
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
    from zoo.runtime.thread_limit import check_threads

    if arguments[:1] == ["train"]:
        restart_with_huge_pages()
        if not {"-h", "--help"}.intersection(arguments):
            continue_without_output()
    quiet_libraries()
    plain_figures()
    # It says what is wrong with them, among other things.
    if arguments[:1] == ["doctor"]:
        return main(arguments, program)
    for check in (check_address_space, check_threads, check_xla_flags):
        if status := exit_status(check):
            return status
    return main(arguments, program)


if __name__ == "__main__":
    sys.exit(main())
