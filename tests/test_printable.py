"""Names with hidden characters are shown escaped: on one line, encodable, and without power over a terminal."""

import os
import subprocess
import unicodedata

import pytest

from zoo.errors import ZooError, ZooWarning
from zoo.printable import one_line, printable, quoted, shell_command
from zoo.runtime.text_tables import aligned_table, csv_cell, markdown_table

HOSTILE = {
    os.fsdecode(b"caf\xe9"): r"caf\udce9",
    "a\x1b[31mb\x07": r"a\x1b[31mb\x07",
    "a\nb\rc\td\0": r"a\nb\rc\td\x00",
    "a\x85b\u2028c\u2029": r"a\x85b\u2028c\u2029",
    "a\u202egnp.b": r"a\u202egnp.b",
    "\ufeffa\u200bb\u2066\u200e": r"\ufeffa\u200bb\u2066\u200e",
    "\U000e0041": r"\U000e0041",
}
HARMLESS = (
    "a b",
    "日本語",
    "é",
    "\u0645\u06cc\u200c\u062e",
    "👩\u200d👧",
    "a\u00a0b\u202f\u3000c",
    "<b>&'\"",
    "=1+1",
    "",
    "\\n",
)


@pytest.mark.parametrize(("name", "shown"), HOSTILE.items())
def test_hidden_characters_are_escaped(name, shown):
    assert printable(name) == shown == printable(shown) == str(ZooError(name)) == str(ZooWarning(name))
    assert shown in quoted(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_can_be_seen_stays(name):
    assert printable(name) == name


def test_every_character_is_encodable_and_moves_nothing():
    shown = printable("".join(map(chr, range(0x110000))))
    shown.encode()
    bidirectional = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(one) for one in shown} & bidirectional
    assert len(shown.splitlines()) == 1


def test_an_error_of_a_library_is_one_line():
    assert one_line(ValueError("several\n  lines\x1b")) == r"several lines\x1b"
    assert one_line(ValueError()) == "ValueError"


def test_long_values_are_cut():
    for value in ("9" * 5000, 10**5000, [1] * 5000, "\x1b" * 5000):
        assert len(quoted(value)) < 60


@pytest.mark.parametrize(
    "name", [name for name in (*HOSTILE, *HARMLESS, "it's", "$(x)`", "\\\x1b'") if "\0" not in name]
)
def test_a_command_is_read_back_by_the_shell(name):
    command = shell_command(["printf", "%s.", name, "b c"])
    assert command == printable(command)
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stdout == os.fsencode(name) + b".b c."


def test_tables_of_any_names():
    rows = [[name, "1"] for name in HOSTILE]
    lines = aligned_table(["name", "n"], rows, [True, False])
    assert len({len(line) for line in lines}) == 1 and len(lines) == 2 + len(rows)
    assert lines == [printable(line) for line in lines]
    assert markdown_table(["name"], [["a|b\n"]], [True])[-1] == r"| a\|b\n |"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", '=cmd|" /C calc"!A0'])
def test_a_spreadsheet_gets_text_and_no_formula(text):
    assert csv_cell(text) == f"'{text}"
    assert csv_cell(-1) == -1 and csv_cell("a=1") == "a=1" and csv_cell("\t=1") == r"\t=1"
