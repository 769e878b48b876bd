"""Text from outside as it is shown, the same everywhere: in lines, pictures, pages and files.

Names of files and classes may have characters that no output can encode, that move a terminal's cursor or colour its
text, or that turn the order of what follows.
"""

import os
import shlex
import unicodedata
from collections.abc import Iterable

# Control characters, what cannot be encoded as UTF-8, line and paragraph separators, and invisible format characters.
HIDDEN = ("Cc", "Cs", "Zl", "Zp", "Cf")
# Format characters that words are spelt with: in Persian and in Indic scripts, and in emoji.
JOINERS = "\u200c\u200d"
SHOWN_CHARACTERS = 40


def printable(text: str | os.PathLike[str]) -> str:
    """The text with its hidden characters escaped as in Python: a new line is shown as backslash and n, on one line."""
    text = os.fspath(text)
    # Most names are nothing but visible.
    return text if text.isprintable() else "".join(_escaped(character) for character in text)


def printable_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names of classes, each as it is shown. What is no text stays: a weights file refuses it."""
    return tuple(printable(name) if isinstance(name, str) else name for name in names)


def shell_command(words: Iterable[str]) -> str:
    """The words as a command for a shell; one with hidden characters is in the $'...' of bash, which it reads back."""
    return " ".join(shlex.quote(word) if printable(word) == word else _escaped_word(word) for word in words)


def shortened(text: str, length: int) -> str:
    """The text, or its start with dots: at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def one_line(error: BaseException | str, length: int = 200) -> str:
    """The message of another library's error, which may have several lines, as a short one; else the error's class."""
    return shortened(printable(" ".join(str(error).split())) or type(error).__name__, length)


def counted(number: int, noun: str) -> str:
    """A number of things: "1 file", "1,200 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown_bytes(size: int) -> str:
    """A number of bytes with three digits or so: "97.8 MiB"."""
    amount, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{size} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def quoted(value: object) -> str:
    """A wrong value in an error message: in quotes if it is text, cut where it is long."""
    try:
        text = printable(repr(value))
    except ValueError:  # Python writes no integers of more than 4,300 digits
        return f"a whole number of {value.bit_length()} bits" if isinstance(value, int) else "of a huge number"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS // 2]}... ({len(text)} characters)"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in HIDDEN or character in JOINERS:
        return character
    return character.encode("unicode_escape").decode()


def _escaped_word(word: str) -> str:
    visible = set(range(ord(" "), ord("~") + 1)) - set(b"'\\")
    return "$'" + "".join(chr(byte) if byte in visible else f"\\x{byte:02x}" for byte in os.fsencode(word)) + "'"
