"""JSON from outside, which is parsed once, where it enters, into typed records.

A record is a frozen dataclass or a TypedDict whose annotations give types, ranges and lengths. Every failure is one
`InvalidRecord` that names the file, the field, its value and what was expected: nothing inside zoo has to check a type
again.
"""

import json
import math
import re
import types
import typing
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

from zoo.errors import ZooError
from zoo.printable import SHOWN_CHARACTERS, printable, shortened

Record = TypeVar("Record")

# msgspec's names of types, and ours.
WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "text",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "an object",
    "`null`": "null",
}
STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")


class InvalidRecord(ZooError):
    """JSON that is not the record that it should be."""


class UnknownField(InvalidRecord):
    """A field that the record does not have."""


class _DuplicateName(ValueError):
    """A name that occurs twice in an object: parsers differ in which of its values they take."""


@dataclass(frozen=True)
class NotFinite:
    """NaN, an infinity or a number beyond float64, which JSON does not have: no type of a record takes it."""

    text: str


def parse_json(text: str | bytes, where: str) -> Any:
    """The value of a JSON text, of a file `where`. Raises InvalidRecord, also for a name that occurs twice."""
    try:
        return _DECODER.decode(text.decode() if isinstance(text, bytes) else text)
    except json.JSONDecodeError as error:
        raise InvalidRecord(f"{where} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"{where} is not JSON: byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise InvalidRecord(f"{where} is not read: its lists and objects are nested too deeply") from None
    except _DuplicateName as name:
        raise InvalidRecord(f"{where} is not read: {name} occurs twice in an object") from None
    except ValueError:
        raise InvalidRecord(f"{where} is not read: a number has thousands of digits") from None


def as_record(value: Any, kind: type[Record], where: str, *, at: str = "", allow_unknown: bool = False) -> Record:
    """A value of `parse_json` as a record, or another type of msgspec's.

    `where` is the file, `at` the field of it that the value is. With `allow_unknown` the record may have
    fields that are not known. Raises InvalidRecord.
    """
    try:
        record = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidRecord(_described(str(error), value, kind, where, at)) from None
    except UnicodeEncodeError:
        # Text where it is wrong is first looked at as bytes.
        try:
            encodable = _encodable(value)
        except RecursionError:
            raise InvalidRecord(f"{where} is not read: its lists and objects are nested too deeply") from None
        return as_record(encodable, kind, where, at=at, allow_unknown=allow_unknown)
    if not allow_unknown and (name := _unknown_field(value, kind, at)):
        raise UnknownField(f"{where}: {unknown_field(name)}")
    return record


@contextmanager
def with_advice(advice: str) -> Iterator[None]:
    """Say what to do in the InvalidRecord that the block raises."""
    try:
        yield
    except UnknownField as error:
        raise UnknownField(f"{error}; update zoo, or {advice}") from None
    except InvalidRecord as error:
        raise InvalidRecord(f"{error}; {advice}") from None


def unknown_field(name: str) -> str:
    """What is said of a field that a record does not have."""
    return f"{_field_name(name)} is a field that this version of zoo does not know (written by a newer one?)"


def _shown(value: Any) -> str:
    """A JSON value for a message: short, and on one line."""
    match value:
        case NotFinite(text):
            return shortened(text, SHOWN_CHARACTERS)
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case str():
            return printable(json.dumps(shortened(value, SHOWN_CHARACTERS), ensure_ascii=False))
        case _:
            return shortened(json.dumps(value), SHOWN_CHARACTERS)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _DuplicateName(_field_name(Counter(name for name, _ in pairs).most_common(1)[0][0]))
    return found


def _encodable(value: Any) -> Any:
    """The value with lone surrogates in its texts escaped."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list():
            return [_encodable(part) for part in value]
        case dict():
            return {_encodable(name): _encodable(part) for name, part in value.items()}
    return value


def _finite(text: str) -> float | NotFinite:
    return value if math.isfinite(value := float(text)) else NotFinite(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=NotFinite, parse_float=_finite)


def _described(problem: str, value: Any, kind: Any, where: str, at: str) -> str:
    """msgspec's description of a problem in our words, with the value."""
    problem, _, path = problem.partition(" - at ")
    steps = list(STEP.finditer(path.rpartition("`$")[2].rstrip("`")))
    field = _joined(at, "".join(step[0] for step in steps))
    if missing := re.fullmatch(r"Object missing required field `(.*)`", problem):
        return f"{where}: {_joined(field, f'.{missing[1]}')} is missing"
    found, kind = _follow(value, kind, steps)
    if problem.startswith("Expected"):
        expected = re.sub(r", got .*", "", problem.removeprefix("Expected "))
        expected = _description(kind) or re.sub(r"`[^`]+`", lambda names: _in_words(names[0]), expected)
    elif problem.startswith("Invalid enum value"):
        expected = f"one of {', '.join(map(str, typing.get_args(_bare(kind))))}"
    elif problem == "Number out of range":
        expected = "a number of 64 bits"
    else:  # of the record itself
        return f"{where}: {field}: {problem}" if field else f"{where}: {problem}"
    return f"{where}{field and f': {field}'} is {_shown(found)}: expected {expected}"


def _description(kind: Any) -> str:
    """What the annotation of a type calls it: a pattern says little to people."""
    notes = typing.get_args(kind)[1:] if typing.get_origin(kind) is typing.Annotated else ()
    return next((note.description for note in notes if isinstance(note, msgspec.Meta) and note.description), "")


def _in_words(names: str) -> str:
    return " or ".join(WORDS.get(f"`{name}`", name) for name in names.strip("`").split(" | "))


def _joined(at: str, steps: str) -> str:
    return _field_name(at + steps if at else steps.removeprefix("."))


def _follow(value: Any, kind: Any, steps: list[re.Match[str]]) -> tuple[Any, Any]:
    """The value at the end of a path and its type. A name in a mapping is not part of msgspec's path."""
    for step in steps:
        if step["name"] is None and step["index"] is None:
            return value, kind
        value = value[step["name"] or int(step["index"])]
        kind = _part(kind, step["name"] or int(step["index"]))
    return value, kind


def _unknown_field(value: Any, kind: Any, at: str) -> str:
    """The path of the first field that is in no annotation, "" if there is none; `value` is of that type."""
    kind = _bare(kind)
    if is_record(kind) and isinstance(value, dict):
        for name, part in value.items():
            path = f"{at}.{name}" if at else name
            if name not in fields_of(kind):
                return path
            if unknown := _unknown_field(part, fields_of(kind)[name], path):
                return unknown
    elif isinstance(value, list) and typing.get_args(kind) and is_record(_bare(_part(kind, 0))):
        return next(
            filter(None, (_unknown_field(part, _part(kind, i), f"{at}[{i}]") for i, part in enumerate(value))), ""
        )
    return ""


def is_record(kind: Any) -> bool:
    """Whether a type has named fields: a dataclass or a TypedDict."""
    return isinstance(kind, type) and (is_dataclass(kind) or typing.is_typeddict(kind))


@cache
def fields_of(kind: type) -> Mapping[str, Any]:
    """The types of a record's fields, by name."""
    return typing.get_type_hints(kind, include_extras=True)


def _bare(kind: Any) -> Any:
    """A type without its range, and without None."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired):
        return _bare(arguments[0])
    if origin in (typing.Union, types.UnionType):
        options = [option for option in arguments if option is not type(None)]
        return _bare(options[0]) if len(options) == 1 else kind
    return kind


def _part(kind: Any, step: str | int) -> Any:
    """The type of a field, or of an item of a list; None where it has no type of its own."""
    kind = _bare(kind)
    if is_record(kind):
        return fields_of(kind).get(str(step))
    arguments = [argument for argument in typing.get_args(kind) if argument is not Ellipsis]
    if isinstance(step, int) and arguments:
        return arguments[min(step, len(arguments) - 1)]
    return None


def _field_name(path: str) -> str:
    return shortened(printable(path), 4 * SHOWN_CHARACTERS)
