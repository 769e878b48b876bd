"""Reads a pickle without running or importing anything: names in it stay names, and a function gives calls' results.

Only what torch writes is understood (pickle's protocol 2): numbers, text, lists, tuples, mappings, names and calls. The
meaning of an opcode is that of the standard library's `pickletools`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

# Bytes: the pickle of a network with the state of its optimizer has 500,000. Read, it can take sixty times as much.
MAX_PICKLE = 4 * 2**20
MAX_NAME = 1000
STOP = b"."


class PickleError(Exception):
    """What is no such pickle, or is damaged."""


@dataclass(frozen=True)
class Name:
    """What a pickle names, such as "collections.OrderedDict"; it is never looked up."""

    name: str


@dataclass
class RestrictedUnpickler:
    """Reads the pickles of a file, at most `MAX_PICKLE` bytes together.

    `call` is what a call of a name with these arguments gives, and `persistent` what a persistent id stands for. They
    may raise what they like. The state that a pickle gives to an object is left out.
    """

    file: BinaryIO
    call: Callable[[str, tuple[Any, ...]], Any]
    persistent: Callable[[Any], Any]
    left: int = MAX_PICKLE
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """The next pickle of the file. Raises PickleError where it is none."""
        self.stack, self.marks, self.memo = [], [], {}
        try:
            while (opcode := self.read(1)) != STOP:
                OPCODES[opcode](self)
            return self.stack.pop()
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise PickleError(str(error)) from None

    def read(self, count: int) -> bytes:
        """The next bytes of the file."""
        self.left -= count
        data = self.file.read(count) if self.left >= 0 else b""
        if len(data) < count:
            raise PickleError("it ends too early, or is too long")
        return data

    def number(self, layout: str) -> Any:
        """The next number of the file, in this layout of `struct`."""
        return struct.unpack(layout, self.read(struct.calcsize(layout)))[0]

    def line(self) -> str:
        """The text up to the end of the line."""
        data = self.file.readline(MAX_NAME)
        self.left -= len(data)
        if not data.endswith(b"\n"):
            raise PickleError("a name is too long")
        return data[:-1].decode()

    def since_mark(self) -> list[Any]:
        """What was put on the stack since the last mark, taken from it."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def build_tuple(self, count: int) -> None:
        """The last values of the stack as one."""
        values = tuple(self.stack[-count:])
        if len(values) < count:
            raise PickleError("a tuple lacks values")
        self.stack[-count:] = [values]

    def reduce(self) -> None:
        """A call, of a function or of a class."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise PickleError("a call of what is no name")
        self.stack.append(self.call(function.name, arguments))

    def extend(self, values: list[Any]) -> None:
        """Values for the list on the stack."""
        if type(self.stack[-1]) is list:
            self.stack[-1].extend(values)

    def update(self, values: list[Any]) -> None:
        """Keys and values for the mapping on the stack; keys other than text and common numbers are left out."""
        if type(self.stack[-1]) is dict:
            pairs = zip(values[::2], values[1::2], strict=True)
            self.stack[-1].update((key, value) for key, value in pairs if _is_key(key))


def _is_key(value: Any) -> bool:
    """Not what can be made such that all keys have one hash: long integers, and tuples of numbers."""
    return isinstance(value, str | float) or value is None or (isinstance(value, int) and abs(value) < 2**63)


def _put(reader: RestrictedUnpickler, layout: str) -> None:
    reader.memo[reader.number(layout)] = reader.stack[-1]


def _text(reader: RestrictedUnpickler) -> str:
    return reader.read(reader.number("<I")).decode("utf-8", "surrogatepass")


def _integer(reader: RestrictedUnpickler) -> int:
    return int.from_bytes(reader.read(reader.number("B")), "little", signed=True)


def _pushes(value: Callable[[RestrictedUnpickler], Any]) -> Callable[[RestrictedUnpickler], None]:
    return lambda reader: reader.stack.append(value(reader))


OPCODES: dict[bytes, Callable[[RestrictedUnpickler], Any]] = {
    b"\x80": lambda reader: reader.read(1),  # the protocol
    b"(": lambda reader: reader.marks.append(len(reader.stack)),
    b"0": lambda reader: reader.stack.pop(),
    b"N": _pushes(lambda reader: None),
    b"\x88": _pushes(lambda reader: True),
    b"\x89": _pushes(lambda reader: False),
    b"J": _pushes(lambda reader: reader.number("<i")),
    b"K": _pushes(lambda reader: reader.number("B")),
    b"M": _pushes(lambda reader: reader.number("<H")),
    b"\x8a": _pushes(_integer),
    b"G": _pushes(lambda reader: reader.number(">d")),
    b"X": _pushes(_text),
    b"U": _pushes(lambda reader: reader.read(reader.number("B")).decode("latin-1")),
    b"T": _pushes(lambda reader: reader.read(reader.number("<I")).decode("latin-1")),
    b")": _pushes(lambda reader: ()),
    b"]": _pushes(lambda reader: []),
    b"}": _pushes(lambda reader: {}),
    b"t": lambda reader: reader.stack.append(tuple(reader.since_mark())),
    b"\x85": lambda reader: reader.build_tuple(1),
    b"\x86": lambda reader: reader.build_tuple(2),
    b"\x87": lambda reader: reader.build_tuple(3),
    b"a": lambda reader: reader.extend([reader.stack.pop()]),
    b"e": lambda reader: reader.extend(reader.since_mark()),
    b"s": lambda reader: reader.update([reader.stack.pop(-2), reader.stack.pop()]),
    b"u": lambda reader: reader.update(reader.since_mark()),
    b"c": _pushes(lambda reader: Name(f"{reader.line()}.{reader.line()}")),
    b"R": lambda reader: reader.reduce(),
    b"\x81": lambda reader: reader.reduce(),
    b"b": lambda reader: reader.stack.pop(),  # the state of the object below
    b"Q": _pushes(lambda reader: reader.persistent(reader.stack.pop())),
    b"q": lambda reader: _put(reader, "B"),
    b"r": lambda reader: _put(reader, "<I"),
    b"h": _pushes(lambda reader: reader.memo[reader.number("B")]),
    b"j": _pushes(lambda reader: reader.memo[reader.number("<I")]),
}
