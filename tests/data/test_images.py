"""Decoding and fitting, against PIL and NumPy written plainly."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo.data import DataError, fit_image, image_limits, read_image
from zoo.data.decoding import read_shape

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 8, 3), np.uint8)
GREY = RNG.integers(0, 256, (6, 8), np.uint8)


def saved(path, image, **options):
    image.save(path, **options)
    return read_image(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm", "webp"])
def test_rgb_files_come_back_as_they_were(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    np.testing.assert_array_equal(saved(tmp_path / f"x.{suffix}", Image.fromarray(RGB), **options), RGB)


def test_grey_has_one_channel(tmp_path):
    np.testing.assert_array_equal(saved(tmp_path / "x.png", Image.fromarray(GREY)), GREY[..., None])


def test_black_and_white_is_grey(tmp_path):
    mask = GREY > 127
    np.testing.assert_array_equal(saved(tmp_path / "x.png", Image.fromarray(mask)), (mask * 255)[..., None])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_become_eight(tmp_path, suffix):
    wide = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(saved(tmp_path / f"x.{suffix}", Image.fromarray(wide)), GREY[..., None])


def test_a_palette_is_looked_up_and_its_transparency_dropped(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(saved(tmp_path / "x.gif", image), expected)
    np.testing.assert_array_equal(saved(tmp_path / "x.png", image, transparency=bytes(range(16))), expected)


def test_alpha_is_dropped(tmp_path):
    alpha = RNG.integers(1, 256, (6, 8, 1), np.uint8)
    np.testing.assert_array_equal(saved(tmp_path / "x.png", Image.fromarray(np.concatenate([RGB, alpha], 2))), RGB)


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 6), (0, 255, 255, 0)).save(tmp_path / "x.jpg", quality=100)
    pixels = read_image(tmp_path / "x.jpg")
    assert pixels.shape == (6, 8, 3) and np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 4


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    np.testing.assert_array_equal(saved(tmp_path / "x.png", Image.fromarray(RGB), exif=exif), np.rot90(RGB, -1))


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_that_of_pils_own_function(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(RGB).save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_image(path), expected)
    assert read_shape(path) == expected.shape


@pytest.mark.parametrize(
    "damage", [b"Exif\0\0", b"Exif\0\0MM", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage of some length"]
)
def test_metadata_that_cannot_be_parsed_do_not_make_an_image_unreadable(tmp_path, damage):
    Image.fromarray(RGB).save(tmp_path / "plain.jpg")
    Image.fromarray(RGB).save(tmp_path / "x.jpg", exif=damage)
    np.testing.assert_array_equal(read_image(tmp_path / "x.jpg"), read_image(tmp_path / "plain.jpg"))
    assert read_shape(tmp_path / "x.jpg") == (6, 8, 3)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_truncated_image_is_an_error_and_never_half_an_image(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = Image.fromarray(RNG.integers(0, 256, (60, 80, 3), np.uint8))
    for suffix in ("png", "jpg", "webp", "tif"):
        noise.save(tmp_path / f"x.{suffix}", exif=exif)
        whole = (tmp_path / f"x.{suffix}").read_bytes()
        (tmp_path / f"x.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
        with pytest.raises(DataError, match=rf"x\.{suffix}"):
            read_image(tmp_path / f"x.{suffix}")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_the_header_gives_the_shape_of_the_image(tmp_path, mode):
    suffix = "tif" if mode in ("CMYK", "I;16") else "png"
    Image.new(mode, (8, 6)).save(tmp_path / f"x.{suffix}")
    assert read_shape(tmp_path / f"x.{suffix}") == read_image(tmp_path / f"x.{suffix}").shape


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 6), (value, 0, 0)) for value in (250, 10, 60)]
    options = {"lossless": True} if suffix == "webp" else {}
    pixels = saved(tmp_path / f"x.{suffix}", frames[0], save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(pixels, np.full((6, 8, 3), (250, 0, 0)))


def test_floating_point_is_an_error(tmp_path):
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match=r"x\.tif \(floating-point grey values\)"):
        read_image(tmp_path / "x.tif")


def test_too_many_pixels_are_an_error(tmp_path, monkeypatch):
    Image.fromarray(RGB).save(tmp_path / "x.png")
    monkeypatch.setattr(image_limits, "MAX_PIXELS", 40)
    with pytest.raises(DataError, match=r"x\.png \(8 x 6 pixels"):
        read_image(tmp_path / "x.png")


def test_the_right_shape_is_left_alone():
    np.testing.assert_array_equal(fit_image(RGB, (6, 8, 3)), RGB)


def test_resize_is_pils_antialiased_bilinear():
    expected = np.asarray(Image.fromarray(GREY).resize((4, 3), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(fit_image(GREY[..., None], (3, 4, 1)), expected[..., None])


def test_resize_halves_a_constant_block_to_its_mean():
    blocks = np.kron(np.array([[0, 200], [100, 40]], np.uint8), np.ones((8, 8), np.uint8))[..., None]
    np.testing.assert_array_equal(fit_image(blocks, (4, 4, 1))[[0, 0, -1, -1], [0, -1, 0, -1], 0], [0, 200, 100, 40])


@pytest.mark.parametrize(("height", "width"), [(10, 40), (40, 10), (11, 17)])
def test_another_aspect_is_resized_by_its_short_side_and_cut(height, width):
    image = RNG.integers(0, 256, (height, width, 3), np.uint8)
    scale = 8 / min(height, width)
    rows, columns = int(height * scale), int(width * scale)
    resized = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR))
    top, left = round((rows - 8) / 2), round((columns - 8) / 2)
    np.testing.assert_array_equal(fit_image(image, (8, 8, 3)), resized[top : top + 8, left : left + 8])


def test_pad_centres_in_zeros_as_lenet_does():
    image = RNG.integers(1, 256, (28, 28, 1), np.uint8)
    np.testing.assert_array_equal(fit_image(image, (32, 32, 1), "pad"), np.pad(image, ((2, 2), (2, 2), (0, 0))))


def test_pad_shrinks_what_is_larger():
    image = np.full((20, 40, 3), 9, np.uint8)
    expected = np.zeros((8, 8, 3), np.uint8)
    expected[2:6] = 9
    np.testing.assert_array_equal(fit_image(image, (8, 8, 3), "pad"), expected)


def test_channels_are_what_was_asked_for():
    np.testing.assert_array_equal(fit_image(GREY[..., None], (6, 8, 3)), np.stack([GREY] * 3, 2))
    weighted = RGB @ np.array([0.299, 0.587, 0.114])
    assert np.abs(fit_image(RGB, (6, 8, 1))[..., 0] - weighted).max() <= 1


def test_sizes_of_one_pixel_work():
    assert fit_image(np.zeros((1, 300, 3), np.uint8), (32, 32, 1)).shape == (32, 32, 1)
    assert fit_image(np.zeros((1, 300, 3), np.uint8), (32, 32, 1), "pad").shape == (32, 32, 1)
