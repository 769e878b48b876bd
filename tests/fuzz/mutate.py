"""Wrong values for JSON and damaged bytes."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from typing import Any

from tests.fuzz.outcome import SCRIPT

# Texts of JSON values. Python's json writes and reads NaN and Infinity too.
WRONG_JSON = {
    "null": "null",
    "true": "true",
    "list": "[]",
    "object": "{}",
    "list of lists": "[[[]]]",
    "text": '"nonsense"',
    "empty text": '""',
    "surrogate": '"\\ud800"',
    "escape": json.dumps(f"\x1b[31m\n{SCRIPT}"),
    "long text": json.dumps("x" * 1_000_000),
    "NaN": "NaN",
    "infinity": "-Infinity",
    "1e999": "1e999",
    "negative": "-1",
    "zero": "0",
    "half": "0.5",
    "huge": str(10**12),
    "5,000 digits": "9" * 5000,
    "nested": "[" * 100_000 + "]" * 100_000,
    "not JSON": "}",
}
TEXTS = {"text", "empty text", "surrogate", "escape", "long text"}
NUMBERS = {"negative", "zero", "half", "huge"}
# Never right, whatever stands there: no number of ours is not finite or so long.
NEVER = {"NaN", "infinity", "1e999", "5,000 digits", "nested", "not JSON", "list of lists"}

PLACEHOLDER = "@@wrong@@"
Path = tuple[str | int, ...]


def wrong_documents(valid: Any) -> Iterator[tuple[str, str, bool]]:
    """(name, JSON text, whether it is surely wrong) with each field replaced, left out, repeated and a field added."""
    for path in paths(valid):
        value = get(valid, path)
        for name, text in WRONG_JSON.items():
            if text == json.dumps(value):
                continue
            yield f"{show(path)} {name}", with_text(valid, path, text), is_surely_wrong(value, name)
        if isinstance(value, dict):
            yield f"{show(path)} + unknown", json.dumps(replaced(valid, path, {**value, "unknown": 1})), True
        if isinstance(value, list) and value:
            yield f"{show(path)} one less", json.dumps(replaced(valid, path, value[:-1])), False
            yield f"{show(path)} 30,000", json.dumps(replaced(valid, path, value[:1] * 30_000)), True
        if path and isinstance(path[-1], str):
            without = {key: one for key, one in get(valid, path[:-1]).items() if key != path[-1]}
            yield f"{show(path)} missing", json.dumps(replaced(valid, path[:-1], without)), False
            twice = f"null, {json.dumps(path[-1])}: {json.dumps(value)}"
            yield f"{show(path)} twice", with_text(valid, path, twice), True


def is_surely_wrong(value: Any, name: str) -> bool:
    """Whether the wrong value has another type than the right one, or is wrong wherever it stands."""
    if name in NEVER:
        return True
    if value is None:
        return False
    if isinstance(value, str):
        return name not in TEXTS
    if isinstance(value, bool):
        return name != "true"
    if isinstance(value, int):
        return name not in NUMBERS - {"half"}
    if isinstance(value, float):
        return name not in NUMBERS
    return name != ("list" if isinstance(value, list) else "object")


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """The path of each field and of the first element of each list."""
    yield above
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from paths(inside, (*above, key))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*above, 0))


def show(path: Path) -> str:
    """The path as text, "recipe.epochs"."""
    return ".".join(map(str, path)) or "all"


def get(value: Any, path: Path) -> Any:
    """What stands at the path."""
    for part in path:
        value = value[part]
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy with `new` at the path."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(one, path[1:], new) if key == path[0] else one for key, one in value.items()}
    return [replaced(one, path[1:], new) if index == path[0] else one for index, one in enumerate(value)]


def with_text(value: Any, path: Path, text: str) -> str:
    """The value as JSON, with a text at the path that need not be JSON."""
    return json.dumps(replaced(value, path, PLACEHOLDER)).replace(json.dumps(PLACEHOLDER), text)


def damaged(content: bytes, seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Damage of every kind that needs no knowledge of the format; `count` times each of the random ones."""
    random_ = random.Random(seed)
    yield "empty", b""
    yield "zeros", bytes(len(content))
    yield "text", b"<html><body>Please log in</body></html>"
    yield "twice", content * 2
    yield "and more", content + b"more"
    for number in range(count):
        yield f"cut {number}", content[: random_.randrange(len(content))]
        yield f"bits {number}", _with_flipped_bits(content, random_)
        # Headers are at the start and, in archives, at the end.
        start = content[:512]
        yield f"head {number}", _with_flipped_bits(start, random_) + content[512:]
        yield f"tail {number}", content[:-256] + _with_flipped_bits(content[-256:], random_)
        place = random_.randrange(max(1, len(content) - 4))
        value = struct.pack("<I", random_.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000)))
        yield f"integer {number}", content[:place] + value + content[place + 4 :]


def _with_flipped_bits(content: bytes, random_: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random_.randint(1, 4)):
        if changed:
            changed[random_.randrange(len(changed))] ^= 1 << random_.randrange(8)
    return bytes(changed)
