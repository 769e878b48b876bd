"""Formats of photographs that not every installation can read: HEIC needs pillow-heif, AVIF a Pillow built with it."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import BinaryIO

from PIL import Image, features

from zoo.data.errors import DataError


@dataclass(frozen=True)
class OptionalFormat:
    """A format, the suffixes of its files, whether it can be read here, and how to get what reads it."""

    name: str
    suffixes: tuple[str, ...]
    is_available: Callable[[], bool]
    advice: str


# Older ones have a libheif without limits of the size and number of what a file refers to.
OLDEST_PILLOW_HEIF = (1, 8)


def _has_pillow_heif() -> bool:
    return importlib.util.find_spec("pillow_heif") is not None and _pillow_heif_version() >= OLDEST_PILLOW_HEIF


@cache
def _pillow_heif_version() -> tuple[int, ...]:
    try:
        return tuple(map(int, re.findall(r"\d+", metadata.version("pillow-heif"))[:2]))
    except metadata.PackageNotFoundError:
        return ()


HEIC = OptionalFormat("HEIC", (".heic", ".heif", ".hif"), _has_pillow_heif, "pip install 'zoo-cnn[heic]'")
AVIF = OptionalFormat("AVIF", (".avif",), lambda: bool(features.check("avif")), "pip install a newer Pillow")
OPTIONAL_FORMATS = (HEIC, AVIF)

# The kinds of a file of boxes (ISO 14496-12) that hold HEVC; those of any coding name it among the compatible ones.
HEVC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
CONTAINER_BRANDS = frozenset((b"mif1", b"msf1", b"mif2"))
AV1_BRANDS = frozenset((b"avif", b"avis"))
MAX_FTYP = 512


class MissingDecoder(DataError):
    """An image whose format cannot be read in this installation."""


def missing_format(suffix: str) -> OptionalFormat | None:
    """The format of files with this suffix that cannot be read here; None for all others."""
    found = next((known for known in OPTIONAL_FORMATS if suffix in known.suffixes), None)
    return None if found is None or found.is_available() else found


def optional_format(file: BinaryIO) -> OptionalFormat | None:
    """The optional format that the file's contents have, whatever its name; it is at its start before and after."""
    start = file.read(MAX_FTYP)
    file.seek(0)
    if start[4:8] != b"ftyp":
        return None
    size = min(int.from_bytes(start[:4], "big"), MAX_FTYP)
    major, brands = start[8:12], {start[place : place + 4] for place in range(8, size, 4)}
    if major in HEVC_BRANDS or (major in CONTAINER_BRANDS and not brands & AV1_BRANDS):
        return HEIC
    return AVIF if brands & AV1_BRANDS else None


def check_available(wanted: OptionalFormat | None) -> None:
    """Raises MissingDecoder for a format that cannot be read here."""
    if wanted and not wanted.is_available():
        raise MissingDecoder(f"{wanted.name} cannot be read here: {wanted.advice}")


def open_heic(file: BinaryIO) -> Image.Image:
    """A HEIC photograph as a PIL image, its pixels turned upright already. Raises what libheif finds wrong."""
    # Not registered with PIL, which would be for the whole process.
    from pillow_heif import HeifImageFile

    return HeifImageFile(file)
