"""Images: damaged, of absurd sizes, with many frames, and what is no file at all."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import Content, files, predict_image
from tests.fuzz.kinds.special_files import SPECIAL
from tests.fuzz.mutate import damaged
from tests.fuzz.seeds import Seeds, image_bytes
from zoo.data.optional_formats import HEIC

FORMATS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "BMP": "bmp", "TIFF": "tif", "WEBP": "webp", "PPM": "ppm"}
FORMATS |= {"AVIF": "avif", "HEIF": "heic"}


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of single images."""

    def case(name: str, file: str, content: Content, expected: Any = "refused") -> Case:
        arguments = predict_image(seeds, file)
        return Case(kind="images", name=name, arguments=arguments, write=files({file: content}), expected=expected)

    for form, suffix in FORMATS.items():
        if form == "HEIF" and not HEIC.is_available():
            continue
        content = image_bytes(form)
        yield case(f"{form} valid", f"image.{suffix}", content, "works")
        for name, changed in damaged(content, seed, count):
            yield case(f"{form} {name}", f"image.{suffix}", changed, "either")
    for name, content in strange_images():
        yield case(name, "image.png", content, "either")
    for name, make in SPECIAL.items():
        yield Case(
            kind="images",
            name=f"{name} as an image",
            arguments=predict_image(seeds, "image.png"),
            write=lambda folder, make=make: make(folder / "image.png"),
        )
    yield from _standard_input(seeds)


def strange_images() -> Iterator[tuple[str, Content]]:
    """Images that small files can be, and that take much memory or time."""
    for width, height in ((1, 200_000), (20_000, 1), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (0, 0), (1, 1)):
        yield f"PNG of {width}x{height}", png(width, height)
    yield "PNG of 1x200,000 in full", filled_png(1, 200_000)
    yield "PNG of 20,000x1 in full", filled_png(20_000, 1)
    yield "PNG of 9,000x9,000 in full", lambda: filled_png(9000, 9000)
    yield "PNG of 13,000x13,000 in full", lambda: filled_png(13_000, 13_000)
    yield "JPEG of 16,000x12,000", lambda: _jpeg(16_000, 12_000)
    yield "JPEG of 16,000x12,000, progressive", lambda: _jpeg(16_000, 12_000, progressive=True)
    yield "JPEG of 9,000x6,500, progressive", lambda: _jpeg(9000, 6500, progressive=True)
    yield "PNG with 64 MB of text", lambda: _png_with_text(2**26)
    for form, frames in (("GIF", 2000), ("TIFF", 2000), ("WEBP", 200)):
        yield f"{form} of {frames} frames", partial(_animation, form, frames)
    yield "GIF of 65,535x65,535", b"GIF89a" + struct.pack("<HH", 65535, 65535) + image_bytes("GIF")[10:]
    yield "SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(canary) (w) file closefile\n"
    yield "PPM of 10^9 pixels", b"P6 100000 10000 255\n" + bytes(100)
    yield "PPM of a long number", b"P6 " + b"9" * 10_000 + b" 1 255\n"
    exif = Image.Exif()
    exif[0x0112] = 99
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=exif)
    yield "JPEG of orientation 99", stream.getvalue()
    yield "JPEG with a broken EXIF", stream.getvalue().replace(b"Exif\0\0", b"Exif\0\0\xff\xff\xff\xff")


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG of one grey channel; the data may be shorter than the header says."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", data or zlib.compress(b"\0" * 100)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def filled_png(width: int, height: int) -> bytes:
    """A PNG that holds all the black pixels that it states."""
    return png(width, height, zlib.compress(bytes((width + 1) * height), 1))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png_with_text(size: int) -> bytes:
    text = PngImagePlugin.PngInfo()
    for number in range(64):
        text.add_text(f"k{number}", "x" * (size // 64), zip=True)
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


def _jpeg(width: int, height: int, **options: bool) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (200, 90, 20)).save(stream, "JPEG", **options)
    return stream.getvalue()


def _animation(form: str, frames: int) -> bytes:
    pictures = [Image.new("RGB", (64, 64), (index % 256, index // 256, 0)) for index in range(frames)]
    stream = io.BytesIO()
    pictures[0].save(stream, form, save_all=True, append_images=pictures[1:])
    return stream.getvalue()


def _standard_input(seeds: Seeds) -> Iterator[Case]:
    arguments = predict_image(seeds, "-")
    yield Case(kind="images", name="- valid", arguments=arguments, stdin=str(seeds.image), expected="works")
    for name in ("/dev/null", "/dev/zero", "/dev/urandom", str(seeds.weights)):
        yield Case(kind="images", name=f"- from {Path(name).name}", arguments=arguments, stdin=name)
