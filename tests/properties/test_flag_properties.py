"""Whatever a command line is, its arguments are parsed, or refused with one line."""

import re

import pytest
from examples import check, examples
from hypothesis import strategies as st

from zoo.commands.command_line import COMMANDS, parser
from zoo.errors import ZooError

# As people and shells write them, and as nobody does.
WORDS = st.sampled_from(["", "-", "--", "-1", "0", "5", "1e3", "nan", "³", "1_0", "9" * 5000, "a\nb", "\udcff", "x=y"])
TEXT = WORDS | st.text(st.characters(), max_size=8)
# The numbers that are written so are those in ASCII digits.
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@pytest.fixture(scope="module")
def parsers():
    """The parser of each command, and its own options."""
    made = {command: parser(command) for command in COMMANDS}
    actions = {
        command: next(action for action in top._actions if isinstance(action.choices, dict)).choices[command]._actions
        for command, top in made.items()
    }
    return {command: (made[command], actions[command]) for command in COMMANDS}


@examples
@pytest.mark.parametrize("command", COMMANDS)
def test_any_words(parsers, count, command):
    top, actions = parsers[command]
    flags = [flag for action in actions for flag in action.option_strings if flag not in ("-h", "--help")]

    def holds(words):
        try:
            top.parse_args([command, *words])
        except ZooError as error:
            assert "\n" not in str(error).strip() or any("\n" in word for word in words)

    word = TEXT | st.sampled_from(flags) | st.builds("{}={}".format, st.sampled_from(flags), TEXT) if flags else TEXT
    check(count, holds, st.lists(word, max_size=6))


@examples
def test_numbers(parsers, count):
    """A text is taken for a number only where it is written as one, and it is in the range that the message states."""
    numbers = [
        (command, action)
        for command, (_, actions) in parsers.items()
        for action in actions
        if action.type and action.metavar in ("N", "X") and action.option_strings and not action.choices
    ]
    numbers = [(command, action) for command, action in numbers if action.dest != "input"]

    def holds(chosen, text):
        action = chosen[1]
        try:
            value = action.type(text)
        except Exception as error:
            assert type(error).__name__ == "ArgumentTypeError" and "\n" not in str(error)
        else:
            assert PLAIN.fullmatch(text) and value == pytest.approx(float(text))

    check(count * 2, holds, st.sampled_from(numbers), TEXT | st.integers().map(str) | st.floats().map(str))
