"""What the kinds of data sets in large files share: the images in them, and what a folder of such files can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import Content, files
from tests.fuzz.kinds.special_files import SPECIAL
from tests.fuzz.seeds import Seeds, image_bytes

IMAGES = 24
CLASSES = ("a", "b")
# A name that a terminal, a page or a file system does not take.
STRANGE_NAMES = {
    "an escape": "\x1b[31m",
    "a line": "a\nb",
    "not UTF-8": "\udcff\udcfe",
    "a script": "<script>alert(1)</script>",
    "the other direction": "‮gnp",
    "300 characters": "n" * 300,
}
CUTS = 40


def example_images() -> list[tuple[str, int, bytes]]:
    """(path, label, encoded image) of a small data set of two classes."""
    image = image_bytes("PNG")
    return [(f"{CLASSES[number % 2]}/{number:02}.png", number % 2, image) for number in range(IMAGES)]


def shard_case(
    kind: str, name: str, write: Callable[[Path], None], expected: Any = "either", path: str = "data", **more: Any
) -> Case:
    """`zoo data` of the folder or file `path`, which reads every image."""
    return Case(kind=kind, name=name, arguments=("data", path), write=write, expected=expected, **more)


def other_commands(seeds: Seeds, kind: str, write: Callable[[Path], None], name: str) -> Iterator[Case]:
    """The other commands that read a data set, with one that is the same for them all."""
    weights = ("--weights", str(seeds.binary_weights))
    evaluate = ("evaluate", "--dataset", "data", *weights)
    pack = ("data", "pack", "data", "packed")
    for command, arguments in {"evaluate": evaluate, "pack": pack}.items():
        yield Case(
            kind=kind, name=f"{command}: {name}", arguments=arguments, write=write, expected="either", seconds=20
        )


def cuts(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The content cut off at many places, all over it and at its ends."""
    places = {len(content) * part // CUTS for part in range(CUTS)} | set(range(16))
    places |= {len(content) - missing for missing in range(1, 17)}
    for place in sorted(place for place in places if 0 <= place < len(content)):
        yield f"cut off at {place}", content[:place]


def structures(kind: str, suffix: str, content: bytes) -> Iterator[Case]:
    """Folders in which there are other shards than one would expect, or something that is none."""
    named = {
        "two shards that are the same": (f"x-0{suffix}", f"x-1{suffix}"),
        "a test split alone": (f"test{suffix}",),
        "a training and a test split": (f"train{suffix}", f"test{suffix}"),
        "a split and another": (f"train{suffix}", f"x{suffix}"),
        "a shard that is missing": (f"train-00000-of-00002{suffix}",),
        "numbers of 100 digits": (f"train-{'0' * 100}-of-{'9' * 100}{suffix}",),
        "numbers of 5,000 shards": (f"train-00000-of-{10**30}{suffix}",),
        "a name of 255 bytes": (f"{'x' * (255 - len(suffix))}{suffix}",),
        "a name that is not UTF-8": (f"\udcff{suffix}",),
        "a name with an escape": (f"\x1b[31m{suffix}",),
        "only a suffix": (suffix,),
        "1,000 shards": tuple(f"x-{number:05}{suffix}" for number in range(1000)),
    }
    for name, paths in named.items():
        yield shard_case(kind, name, files({f"data/{path}": content for path in paths}), seconds=30)
    yield shard_case(kind, "an empty one", files({f"data/x{suffix}": b""}), "refused")
    whole = files({f"data/train-0{suffix}": content})
    for name, data in {
        "an empty one beside": b"",
        "text beside": b"nonsense",
        "zeros beside": bytes(10_240),
        "one that is cut off beside": content[: len(content) // 2],
    }.items():
        beside = files({f"data/train-1{suffix}": data})
        yield shard_case(kind, name, _both(whole, beside), "refused", named="train-1")
    for name, make in SPECIAL.items():
        yield shard_case(kind, f"{name} beside", _both(whole, _making(f"data/train-1{suffix}", make)))
        yield shard_case(
            kind, f"{name} itself", _both(files({}), _making(f"x{suffix}", make)), "refused", path=f"x{suffix}"
        )
    yield from classes_beside(kind, whole)


def classes_beside(kind: str, whole: Callable[[Path], None]) -> Iterator[Case]:
    """Names of the classes in a file of their own."""
    texts: dict[str, Content] = {
        "empty": b"",
        "one name": b"a\n",
        "three names": b"a\nb\nc\n",
        "a name twice": b"a\na\n",
        "bytes": bytes(range(256)),
        "zeros": bytes(1000),
        "an empty name": b"a\n\nb\n",
        "a name of 10,000 characters": b"x" * 10_000,
        "a million names": lambda: b"\n".join(b"%d" % number for number in range(10**6)),
        "64 MB": lambda: b"x" * 2**26,
        "strange names": b"\x1b[31m\n<script>alert(1)</script>\n",
    }
    for name, text in texts.items():
        yield shard_case(kind, f"classes.txt: {name}", _both(whole, files({"data/classes.txt": text})))
    for name, make in SPECIAL.items():
        yield shard_case(kind, f"classes.txt: {name}", _both(whole, _making("data/classes.txt", make)))


def write_sparse(path: str, start: bytes, size: int = 2**40, end: bytes = b"") -> Callable[[Path], None]:
    """Writes a file of that size, of which little is on the disk."""

    def write(folder: Path) -> None:
        (folder / path).parent.mkdir(exist_ok=True)
        with (folder / path).open("wb") as file:
            file.write(start)
            file.truncate(size)
            file.seek(0, 2)
            file.write(end)

    return write


def _both(first: Callable[[Path], None], second: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: (first(folder), second(folder))[0]


def _making(path: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: make(folder / path)
