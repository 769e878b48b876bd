"""Look for what is wrong with this installation: packages, devices, variables, caches, disk, memory, the network.

zoo doctor
zoo doctor --network            also whether the hosts of weights answer
zoo doctor --json

Each problem is one line with its remedy, and the exit status is 1 where there is one. Nothing is changed or downloaded.
Libraries are imported, and devices started, in another process: one that hangs is ended, and is a problem.
"""

import argparse

from zoo.commands.arguments.types import InRange
from zoo.runtime.limits import SECONDS

HELP = "look for what is wrong with this installation"
DEFAULT_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `doctor`."""
    parser.add_argument("--network", action="store_true", help="ask the hosts of weights whether they answer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--timeout",
        type=InRange(SECONDS),
        default=DEFAULT_SECONDS,
        metavar="X",
        help=f"seconds for each library to be imported, and for the devices (default: {DEFAULT_SECONDS:g})",
    )


def run(args: argparse.Namespace) -> int:
    """Print what was found; the exit status is 1 where there is a problem."""
    import json

    from zoo.doctor.examination import examine
    from zoo.printable import counted, printable

    problems: list[str] = []
    sections = []
    for section in examine(args.timeout, args.network):
        problems += section.problems
        sections.append(section.json_object())
        if not args.json:
            print("\n".join(section.to_lines()) + "\n", flush=True)
    if args.json:
        print(json.dumps({"sections": sections, "problems": problems}, indent=2))
    elif problems:
        print(f"{counted(len(problems), 'problem')}:")
        print("\n".join(f"  {printable(problem)}" for problem in problems))
    else:
        print("no problems found")
    return 1 if problems else 0
