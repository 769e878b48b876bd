"""Images as programs have them, against PIL's own pixels."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data import DataError
from zoo.data.dataset import ArraySource
from zoo.data.image_inputs import named_images

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """The current folder, with images in another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for index in (9, 10):
        Image.fromarray(PIXELS + np.uint8(index)).save(tmp_path / "photos" / f"{index}.png")
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    "given",
    [
        *(PIXELS, jnp.asarray(PIXELS), PIXELS.astype(np.int64), Image.fromarray(PIXELS), PIXELS[None], [PIXELS]),
        *({"image": PIXELS, "label": 3}, ArraySource(PIXELS[None], np.zeros(1, int))),
    ],
)
def test_one_image_in_any_form(given):
    ((name, pixels),) = named_images(given)
    assert name == "image 0" and pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, PIXELS)


def test_alpha_is_dropped_and_grey_gets_its_axis():
    with_alpha = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 7, np.uint8)])
    ((_, pixels),) = named_images(with_alpha)
    np.testing.assert_array_equal(pixels, PIXELS)
    ((_, grey),) = named_images(PIXELS[..., 0])
    np.testing.assert_array_equal(grey, PIXELS[..., :1])


def test_files_and_folders_have_their_names(photos):
    names, pixels = zip(*named_images("photos"), strict=True)
    assert names == ("photos/9.png", "photos/10.png")
    np.testing.assert_array_equal(pixels[1], PIXELS + np.uint8(10))
    assert [name for name, _ in named_images(photos / "9.png")] == [str(photos / "9.png")]


def test_a_mixture_keeps_its_order_and_is_read_when_asked_for():
    found = named_images(["photos/9.png", np.stack([PIXELS, PIXELS]), "missing.png"])
    assert [next(found).name for _ in range(3)] == ["photos/9.png", "image 1", "image 2"]
    with pytest.raises(DataError, match=r"missing\.png"):
        next(found)


def test_an_image_of_pil_is_turned_upright_like_its_file(photos):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(PIXELS).save("turned.png", exif=exif)
    (of_file,), (of_pil,) = named_images("turned.png"), named_images(Image.open("turned.png"))
    assert of_file.pixels.shape == (6, 5, 3)
    np.testing.assert_array_equal(of_pil.pixels, of_file.pixels)
    np.testing.assert_array_equal(of_file.pixels, np.rot90(PIXELS, -1))


class OnAnotherDevice:
    """As torch's tensors on a GPU."""

    def __array__(self):
        raise RuntimeError("copy it to\nthe host")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (PIXELS.astype(np.float32), r"float32.*integers from 0 to 255.*\* 255"),
        (PIXELS.astype(np.int64) - 300, "values from -"),
        (PIXELS.astype(np.int64) + 300, "values from 3"),
        (PIXELS.transpose(2, 0, 1), r"\(3, 5, 6\).*last axis"),
        (np.zeros((2, 5, 4, 3, 1), np.uint8), r"\(2, 5, 4, 3, 1\)"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)"),
        ("https://example.org/cat.jpg", "download"),
        ("", "empty"),
        ("photos/notes.txt", r"notes\.txt"),
        (None, "None is no image"),
        (7, "7 is no image"),
        (b"jpeg", "is no image"),
        ({"label": PIXELS}, "is no image"),
        ([[1, 2]], "1 is no image"),
        (OnAnotherDevice(), "OnAnotherDevice.*copy it to the host"),
    ],
)
def test_what_is_no_image(given, named):
    with pytest.raises(zoo.ZooError, match=named) as error:
        list(named_images(given))
    assert "\n" not in str(error.value)


def test_a_folder_without_images(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images in the folder"):
        list(named_images(tmp_path / "empty"))
