"""What is read of an image file has a limit, whatever the file claims."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from zoo.data import DataError, image_limits, read_image
from zoo.data.decoding import decode_image, read_shape
from zoo.data.fitting import FITS, fit_image

RNG = np.random.default_rng(0)


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name, kind in (("x.png", "pipe"), ("zero.png", "device"), (".", "folder")):
        for read in (read_image, read_shape):
            with pytest.raises(DataError, match=kind):
                read(tmp_path / name)


def test_formats_that_start_programs_are_no_images():
    with pytest.raises(DataError, match="not an image"):
        decode_image(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"), "x.png")


def test_a_header_alone_takes_no_memory(tmp_path):
    """A PNG of 40 kB for 1.6 GB, of which only the header is read."""
    width = height = 2**16 - 1
    chunk = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + bytes(40_000))
    with pytest.raises(DataError, match=r"x\.png"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "jp2"])
def test_the_limit_of_pixels_is_that_of_the_format(tmp_path, monkeypatch, suffix):
    Image.new("RGB", (30, 20)).save(tmp_path / f"x.{suffix}")
    monkeypatch.setattr(image_limits, "MAX_PIXELS", 600)
    monkeypatch.setattr(image_limits, "MAX_PIXELS_OF", {"WEBP": 599, "JPEG2000": 599})
    if suffix in ("png", "jpg"):
        assert read_image(tmp_path / f"x.{suffix}").shape == (20, 30, 3)
    else:
        with pytest.raises(DataError, match="more than 599"):
            read_image(tmp_path / f"x.{suffix}")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    Image.new("RGB", (8, 6)).save(tmp_path / "x.webp")
    os.truncate(tmp_path / "x.webp", 2**40)
    with pytest.raises(DataError, match="240 MB"):
        read_image(tmp_path / "x.webp")


def test_a_progressive_image_of_many_scans(tmp_path, monkeypatch):
    noise = Image.fromarray(RNG.integers(0, 256, (60, 80, 3), np.uint8))
    noise.save(tmp_path / "x.jpg", progressive=True)
    data = (tmp_path / "x.jpg").read_bytes()
    last = data.rindex(image_limits.SCAN)
    (tmp_path / "x.jpg").write_bytes(data[:-2] + data[last:-2] * 50 + data[-2:])
    assert read_image(tmp_path / "x.jpg").shape == (60, 80, 3)
    monkeypatch.setattr(image_limits, "MAX_SCANNED_PIXELS", 50 * 60 * 80)
    with pytest.raises(DataError, match="scans"):
        read_image(tmp_path / "x.jpg")


def test_a_tile_is_not_much_larger_than_its_image(tmp_path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    Image.new("RGB", (80, 60)).save(tmp_path / "x.tif", compression="tiff_adobe_deflate", tiffinfo=tags)
    data = bytearray((tmp_path / "x.tif").read_bytes())
    # RowsPerStrip and StripOffsets become TileWidth and TileLength: one entry, twelve bytes, for another.
    for tag, new, value in ((278, 322, 2**15), (273, 323, 2**15)):
        at = data.index(struct.pack("<H", tag), struct.unpack("<I", data[4:8])[0])
        data[at : at + 12] = struct.pack("<HHII", new, 4, 1, value)
    (tmp_path / "x.tif").write_bytes(data)
    with pytest.raises(DataError, match="tiles of 32768 x 32768 pixels"):
        read_image(tmp_path / "x.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_an_image_that_is_converted_in_parts(tmp_path, monkeypatch, mode, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = Image.fromarray(RNG.integers(0, 256, (23, 31, 3), np.uint8))
    image = Image.fromarray(RNG.integers(0, 2**16, (23, 31), np.uint16)) if mode == "I;16" else noise.convert(mode)
    image.save(tmp_path / "x.tif", exif=exif)
    whole = read_image(tmp_path / "x.tif")
    monkeypatch.setattr("zoo.data.decoding.PART_PIXELS", 100)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), whole)
    assert whole.flags.c_contiguous and whole.flags.writeable


@pytest.mark.parametrize("size", [(1, 200_000), (200_000, 1)])
@pytest.mark.parametrize("fit", FITS)
def test_thin_images_are_bounded_by_the_output(size, fit):
    assert fit_image(np.zeros((*size, 3), np.uint8), (32, 32, 3), fit).shape == (32, 32, 3)


def gif(comment):
    file = io.BytesIO()
    Image.new("L", (8, 6)).save(file, "gif", comment=comment)
    return file.getvalue()


def jpeg(segments):
    file = io.BytesIO()
    Image.new("RGB", (8, 6)).save(file, "jpeg")
    data = file.getvalue()
    return data[:2] + (b"\xff\xe1\xff\xffExif\0\0" + bytes(2**16 - 9)) * segments + data[2:]


def png(length):
    file = io.BytesIO()
    Image.new("RGB", (8, 6)).save(file, "png")
    data = file.getvalue()
    chunk = b"tEXta\0" + bytes(length)
    return data[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def tiff(count):
    """A TIFF that has a tag of so many numbers, behind the image."""
    file = io.BytesIO()
    Image.new("L", (8, 6)).save(file, "tiff")
    data = bytearray(file.getvalue())
    at = data.index(struct.pack("<H", 273), struct.unpack("<I", data[4:8])[0])
    data[at : at + 12] = struct.pack("<HHII", 273, 4, count, len(data))
    return bytes(data) + bytes(4 * count)


@pytest.mark.parametrize(
    ("data", "readable"),
    [
        (gif(b"x" * 10**6), True),
        (gif(b"x" * 3 * 10**6), False),
        (jpeg(20), True),
        (jpeg(150), False),
        (png(10**5), True),
        (png(5 * 10**7), False),
        (tiff(10**7), False),
    ],
    ids=["gif", "long gif", "jpeg", "long jpeg", "png", "long png", "long tiff"],
)
def test_metadata_have_a_limit(data, readable):
    if readable:
        assert decode_image(io.BytesIO(data), "x").shape[:2] == (6, 8)
        return
    with pytest.raises(DataError, match=r"cannot read the image x"):
        decode_image(io.BytesIO(data), "x")
