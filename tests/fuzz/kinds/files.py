"""What the kinds share: how a case gets its files, and the commands that read them."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fuzz.seeds import NETWORK, Seeds

Write = Callable[[Path], None]


# What takes much memory is made when it is written.
Content = bytes | Callable[[], bytes]


def files(content: Mapping[str, Content]) -> Write:
    """Writes files, in folders where their names have slashes."""

    def write(folder: Path) -> None:
        for name, data in content.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data() if callable(data) else data)

    return write


def zip_archive(members: Mapping[str, bytes]) -> bytes:
    """A compressed archive of these members, by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def copied(source: Path, name: str, change: Write) -> Write:
    """Copies a folder to `name`, and changes the copy."""

    def write(folder: Path) -> None:
        shutil.copytree(source, folder / name)
        change(folder / name)

    return write


def predict(seeds: Seeds, weights: str) -> tuple[str, ...]:
    """Classifies the valid image with these weights."""
    return ("predict", str(seeds.image), "--weights", weights)


def predict_image(seeds: Seeds, *images: str) -> tuple[str, ...]:
    """Classifies images with the valid weights."""
    return ("predict", *images, "--weights", str(seeds.weights))


RESUME = ("train", "--model", NETWORK, "--resume", "--run-dir", "run")


def train(*arguments: str) -> tuple[str, ...]:
    """Trains the small network for an epoch."""
    return ("train", "--model", NETWORK, "--epochs", "1", "--run-dir", "trained", *arguments)
