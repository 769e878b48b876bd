"""Photographs as telephones write them: HEIC and AVIF, turned, of a hundred megapixels."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo.data import DataError, image_limits, open_dataset, read_image
from zoo.data.decoding import read_shape

ORIENTATION = 274
# What every HEIC photograph begins with.
HEIC_START = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


def photograph(width=48, height=32):
    """A picture whose corners differ."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (200, 20, 20)
    pixels[: height // 2, width // 2 :] = (20, 160, 20)
    pixels[height // 2 :, width // 2 :] = (20, 20, 180)
    return Image.fromarray(pixels)


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def written(path, orientation=1, **options):
    """The path of the picture, as a photograph of this orientation, and the pixels that it shows upright."""
    stored = photograph()
    if path.suffix in (".heic", ".hif"):
        heif = pytest.importorskip("pillow_heif", minversion="1.8")
        heif.from_pillow(stored).save(path, exif=turned(orientation).tobytes(), quality=-1, chroma=444)
    else:
        stored.save(path, exif=turned(orientation), **options)
    upright = Image.fromarray(np.asarray(stored))
    upright.getexif()[ORIENTATION] = orientation
    return path, np.asarray(ImageOps.exif_transpose(upright))


def folder(path, files):
    """Class folders with two PNG files in each, and other files with these contents."""
    for name in {file.split("/")[0] for file in files} | {"a", "b"}:
        (path / name).mkdir(parents=True)
    for name in ("a/0.png", "a/1.png", "b/0.png", "b/1.png"):
        photograph().save(path / name)
    for name, contents in files.items():
        (path / name).write_bytes(contents)
    return path


@pytest.fixture
def no_heif(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("name", ["x.heic", "x.hif", "x.avif", "x.jpg"])
def test_a_photograph_is_turned_upright_once(tmp_path, name, orientation):
    path, upright = written(tmp_path / name, orientation, **({"quality": 100} if name == "x.avif" else {}))
    assert read_image(path).shape == read_shape(path) == upright.shape
    # Lossy, at the edges of the colours most.
    assert np.abs(read_image(path).astype(int) - upright).mean() < 6


@pytest.mark.parametrize("name", ["x.heic", "x.avif", "x.jpg"])
def test_a_large_file_is_read_through_the_limit_of_its_header(tmp_path, monkeypatch, name):
    path, upright = written(tmp_path / name, 6)
    monkeypatch.setattr("zoo.data.decoding.SMALL_FILE", 0)
    assert read_image(path).shape == read_shape(path) == upright.shape


def test_a_heic_photograph_with_the_name_of_a_jpeg_is_read(tmp_path):
    path, upright = written(tmp_path / "x.heic")
    assert read_image(path.rename(tmp_path / "x.jpg")).shape == upright.shape


def test_heic_photographs_are_images_of_a_folder(tmp_path):
    path, _ = written(tmp_path / "x.heic")
    data = open_dataset(folder(tmp_path / "set", {"a/2.HEIC": path.read_bytes()}))
    assert len(data.train) + len(data.test) == 5 and not data.left_out


def test_a_heic_photograph_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    path, _ = written(tmp_path / "x.heic")
    monkeypatch.setattr(image_limits, "MAX_PIXELS_OF", {"HEIF": 1000})
    with pytest.raises(DataError, match="more than 1,000"):
        read_image(path)


def test_a_heic_photograph_that_states_another_size_is_refused(tmp_path):
    path, _ = written(tmp_path / "x.heic")
    data = path.read_bytes()
    at = data.index(b"ispe") + 8
    path.write_bytes(data[:at] + bytes([0, 0, 0, 8, 0, 0, 0, 8]) + data[at + 8 :])
    with pytest.raises(DataError, match=r"x\.heic"):
        read_image(path)


def test_without_the_library_heic_is_counted_and_named(tmp_path, no_heif):
    data = open_dataset(folder(tmp_path / "set", {"a/IMG_1.HEIC": HEIC_START, "b/x.txt": b"", "b/y.txt": b""}))
    assert all(part in data.left_out for part in ("1 .heic (a/IMG_1.HEIC", "zoo-cnn[heic]", "2 .txt (b/x.txt"))
    assert data.left_out.index(".heic") < data.left_out.index(".txt") and "\n" not in data.left_out


@pytest.mark.parametrize("only", ["a class", "all"])
def test_without_the_library_a_folder_of_heic_says_what_to_install(tmp_path, no_heif, only):
    files = {"c/0.heic": HEIC_START, "c/1.heic": HEIC_START}
    made = folder(tmp_path / "set", files)
    if only == "all":
        for path in made.rglob("*.png"):
            path.unlink()
    with pytest.raises(DataError, match=r"2 \.heic .*zoo-cnn\[heic\]"):
        open_dataset(made)


def test_an_old_library_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.optional_formats._pillow_heif_version", lambda: (1, 7))
    (tmp_path / "x.heic").write_bytes(HEIC_START)
    with pytest.raises(DataError, match=r"zoo-cnn\[heic\]"):
        read_image(tmp_path / "x.heic")


@pytest.mark.parametrize("name", ["x.heic", "x.jpg"])
def test_without_the_library_a_heic_photograph_says_what_to_install(tmp_path, no_heif, name):
    (tmp_path / name).write_bytes(HEIC_START)
    for read in (read_image, read_shape):
        with pytest.raises(DataError, match=r"zoo-cnn\[heic\]") as caught:
            read(tmp_path / name)
        assert "replace" not in str(caught.value)


def test_a_jpeg_of_too_many_pixels_is_read_at_a_lower_resolution(tmp_path, monkeypatch):
    path, upright = written(tmp_path / "x.jpg", 6, quality=95)
    monkeypatch.setattr(image_limits, "MAX_PIXELS", 48 * 32 // 4)
    halved = read_image(path)
    assert halved.shape == read_shape(path) == (24, 16, 3)
    expected = np.asarray(Image.fromarray(upright).reduce(2)).astype(int)
    assert np.abs(halved - expected).mean() < 6
    monkeypatch.setattr(image_limits, "MAX_PIXELS", 48 * 32 // 4 - 1)
    assert read_image(path).shape == (12, 8, 3)
    monkeypatch.setattr(image_limits, "MAX_PIXELS_REDUCED", 48 * 32 - 1)
    with pytest.raises(DataError, match="more than 1,535"):
        read_image(path)


@pytest.mark.parametrize("kind", ["progressive", "a scan per component"])
def test_a_jpeg_whose_decoder_holds_all_of_it_is_refused(tmp_path, monkeypatch, kind):
    path, _ = written(tmp_path / "x.jpg", progressive=kind == "progressive")
    data = path.read_bytes()
    if kind != "progressive":
        at = data.index(image_limits.SCAN)
        # Length 8: one component, instead of three.
        path.write_bytes(data[: at + 2] + b"\x00\x08\x01\x01\x00\x00\x3f\x00" + data[at + 14 :])
    monkeypatch.setattr(image_limits, "MAX_PIXELS", 1000)
    with pytest.raises(DataError, match="more than 1,000"):
        read_image(path)


@pytest.mark.slow
def test_two_hundred_megapixels_take_little_memory(tmp_path):
    import tracemalloc

    buffer = io.BytesIO()
    Image.new("RGB", (16320, 12240), (20, 90, 200)).save(buffer, "JPEG")
    (tmp_path / "x.jpg").write_bytes(buffer.getvalue())
    tracemalloc.start()
    assert read_image(tmp_path / "x.jpg").shape == (6120, 8160, 3)
    assert tracemalloc.get_traced_memory()[1] < 250e6
