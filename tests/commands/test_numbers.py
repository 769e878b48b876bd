"""Every number on the command line has a range, which its message states, before anything is opened or compiled."""

import argparse

import pytest
from command_line import error_of

from zoo.commands.arguments.types import InRange
from zoo.commands.command_line import COMMANDS, parser

# Those of `metavar` that are numbers or are checked otherwise.
NUMBERS = ("N", "X", "I")
SIZES = ("summary --input", "report --input", "export --input")
WRONG = ("", " 5", "5 ", "1_0", "²", "٣", "0x10", "nan", "inf", "-inf", "ten", "1e400", "-7", "9" * 400, "9" * 5000)


def actions(command: str) -> list[argparse.Action]:
    subparsers = next(a for a in parser(command)._actions if isinstance(a, argparse._SubParsersAction))
    return subparsers.choices[command]._actions


def numbers():
    for command in COMMANDS:
        for action in actions(command):
            if isinstance(action.type, InRange):
                yield pytest.param(command, action, id=f"{command} {action.option_strings[0]}")


@pytest.mark.parametrize(("command", "action"), list(numbers()))
def test_a_wrong_number_is_one_line_with_the_range(capsys, command, action):
    flag, allowed = action.option_strings[0], action.type.allowed
    beyond = [] if allowed.maximum == float("inf") else [str(int(allowed.maximum) + 1)]
    for text in (*WRONG, *beyond, *(["1.5", "1e1"] if allowed.whole else ["1e308", "1e-320"])):
        error = error_of(capsys, command, f"{flag}={text}")
        assert f"{flag}" in error and allowed.expected in error and f"zoo {command} --help" in error, text
        assert len(error) < 250


@pytest.mark.parametrize("command", COMMANDS)
def test_every_number_has_a_range(command):
    without = [
        f"{command} {flag}"
        for action in actions(command)
        if action.metavar in NUMBERS and not isinstance(action.type, InRange)
        for flag in action.option_strings
    ]
    assert set(without) <= set(SIZES)


@pytest.mark.parametrize("command", ["summary", "report"])
@pytest.mark.parametrize(
    "size",
    ["0", "-1", "x", "224x", "1x2x3x4", "²", "٣", "1_0", "nan", "1e3", " 5", "10000000", "9" * 400, "9" * 5000],
)
def test_a_size_is_of_numbers_with_a_range(capsys, tmp_path, command, size):
    out = ["--out", str(tmp_path / "page.html")] if command == "report" else []
    error = error_of(capsys, command, "lenet5", f"--input={size}", *out)
    assert "--input" in error and "1 to 1000000" in error and len(error) < 200
