"""Folders of images: their structure, and files in them that are not what their names say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import files, train
from tests.fuzz.kinds.image_files import strange_images
from tests.fuzz.kinds.special_files import SPECIAL
from tests.fuzz.seeds import Seeds, image_bytes

PIXELS = image_bytes("PNG")
DATA = ("data", "data", "--sheet", "sheet.png")


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Folders as data sets of `evaluate`, and some of `train`."""
    evaluate = ("evaluate", "--dataset", "data", "--weights", str(seeds.binary_weights))
    for name, change in {**structures(), **_with_special_files()}.items():
        commands = {"evaluate": evaluate, "train": train("--dataset", "data"), "data": DATA}
        for command, arguments in commands.items():
            yield Case(
                kind="image folders",
                name=f"{command}: {name}",
                arguments=arguments,
                write=lambda folder, change=change: _write(folder, change),
                expected="either",
                seconds=30,
            )
    for name, content in strange_images():
        for command, arguments in {"evaluate": evaluate, "data": DATA}.items():
            yield Case(
                kind="image folders",
                name=f"{command}: {name}",
                arguments=arguments,
                write=lambda folder, content=content: _write(folder, files({"a/0.png": content})),
                expected="either",
                seconds=20,
            )


def structures() -> dict[str, Callable[[Path], object]]:
    """What is changed in a folder of two classes with images."""
    return {
        "nothing": lambda data: None,
        "an empty class": lambda data: (data / "c").mkdir(),
        "a link to itself": lambda data: (data / "c").symlink_to("c"),
        "a link to the folder": lambda data: (data / "c").symlink_to("."),
        "a link to the root": lambda data: (data / "c").symlink_to("/"),
        "a link to /proc": lambda data: (data / "c").symlink_to("/proc/self"),
        "300 folders deep": lambda data: (data / "c" / "/".join("d" * 300)).mkdir(parents=True),
        "a class of one image": lambda data: files({"c/0.png": PIXELS})(data),
        "1,000 classes of one image": lambda data: files({f"c{i}/0.png": PIXELS for i in range(1000)})(data),
        "10,000 files of text": lambda data: files({f"c/{i}.txt": b"" for i in range(10_000)})(data),
        "an image that is text": lambda data: files({"a/0.png": b"nonsense"})(data),
        "only empty images": lambda data: [path.write_bytes(b"") for path in data.rglob("*.png")],
        "a test split without a class": lambda data: files({"test/a/0.png": PIXELS, "train/b/0.png": PIXELS})(data),
        "a folder called 0.png": lambda data: (data / "a" / "x.png").mkdir(),
        "a name of 255 bytes": lambda data: files({f"{'c' * 255}/{'i' * 251}.png": PIXELS})(data),
        "a class called ..png": lambda data: files({"..png/0.png": PIXELS})(data),
        "no permission for an image": lambda data: (data / "a" / "0.png").chmod(0),
        "grey, colour and palette": lambda data: files({"a/g.gif": image_bytes("GIF")})(data),
    }


def _with_special_files() -> dict[str, Callable[[Path], object]]:
    return {f"{name} as an image": lambda data, make=make: make(data / "a" / "x.png") for name, make in SPECIAL.items()}


def _write(folder: Path, change: Callable[[Path], object]) -> None:
    files({f"{name}/{i}.png": PIXELS for name in "ab" for i in range(12)})(folder / "data")
    change(folder / "data")
