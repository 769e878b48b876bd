"""The verdicts of the fuzz command: what it is there to find, it finds."""

import json
from pathlib import Path

import pytest

from tests.fuzz.case import Case, Ended
from tests.fuzz.kinds import command_lines
from tests.fuzz.mutate import damaged, wrong_documents
from tests.fuzz.outcome import CANARY, MAX_MEMORY, judge
from tests.fuzz.seeds import Seeds
from zoo.commands.command_line import COMMANDS

TRACEBACK = "Traceback (most recent call last):\n  File ...\nValueError: wrong\n"


def verdict(error="", status=2, expected="refused", seconds=1.0, peak=0, named="", **ended):
    case = Case(kind="k", name="n", arguments=(), expected=expected, named=named)
    return judge(
        case, Ended(status=status, output="", error=error, seconds=seconds, peak=peak, **ended), patience=1.0
    ).verdict


@pytest.mark.parametrize(
    ("expected", "ended"),
    [
        ("one line", {"error": "zoo: x.pth is damaged\n"}),
        ("one line", {"error": "zoo: --top: 0 is not from 1 (see zoo predict --help)\n", "named": "--top"}),
        ("works", {"status": 0, "expected": "works"}),
        ("works", {"status": 0, "expected": "either", "error": "zoo: a note\n"}),
        ("accepted", {"status": 0}),
        ("accepted", {"error": "zoo: there is no file\n", "named": "--epochs"}),
        ("refused", {"error": "zoo: no\n", "expected": "works"}),
        ("refused", {"error": ""}),
        ("traceback", {"error": TRACEBACK, "status": 1}),
        ("warning", {"error": "WARNING:root:something\nzoo: no\n"}),
        ("escape", {"error": "zoo: there is no \x1b[31m\n"}),
        ("escape", {"error": "zoo: there is no \u202e\n"}),
        ("one line", {"error": "zoo: there is no \U0001f46a\u200d\u2603\n"}),
        ("crash", {"status": -11}),
        ("crash", {"status": 70}),
        ("hang", {"error": "zoo: no\n", "seconds": 11.0}),
        ("hang", {"status": -9, "killed": "hang"}),
        ("memory", {"error": "zoo: no\n", "peak": MAX_MEMORY + 1}),
        ("code", {"error": "zoo: no\n", "outside": (CANARY,)}),
        ("code", {"status": 0, "expected": "works", "has_script": True}),
        ("outside", {"error": "zoo: no\n", "outside": ("else",)}),
    ],
)
def test_verdict(expected, ended):
    assert verdict(**ended) == expected


def test_each_field_gets_each_wrong_value():
    names = {name: (text, wrong) for name, text, wrong in wrong_documents({"size": 4, "names": ["a"]})}
    assert json.loads(names["size null"][0]) == {"size": None, "names": ["a"]}
    assert names["size null"][1] and names["size half"][1] and not names["size huge"][1]
    assert json.loads(names["names.0 true"][0])["names"] == [True]
    assert names["size twice"][0].count('"size"') == 2
    assert len([name for name in names if name.startswith("size ")]) > 15


def test_damage_is_the_same_for_a_seed():
    content = bytes(range(256)) * 8
    assert list(damaged(content, 1, 2)) == list(damaged(content, 1, 2)) != list(damaged(content, 2, 2))
    assert all(changed != content for _, changed in damaged(content, 1, 2))


def test_each_command_has_cases():
    found = {case.name.split()[0] for case in command_lines.cases(Seeds(Path("seeds")), 0, 1) if case.kind == "numbers"}
    assert {"train", "predict", "visualize"} <= found <= set(COMMANDS)
