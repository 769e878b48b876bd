"""Images inside the page: a data URI decodes to the image that was encoded, exactly or nearly."""

import numpy as np
import pytest
from sections import pixels

from zoo.report.page_image import add_alpha, embed_heat_map, embed_image, shrink, tile_images, to_uint8

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_small_image_is_exact(channels):
    image = RANDOM.integers(0, 256, (20, 30, channels), np.uint8)
    made = embed_image(image, "noise")
    np.testing.assert_array_equal(pixels(made.uri).reshape(image.shape), image)
    assert (made.width, made.height, made.alt, made.pixelated) == (30, 20, "noise", True)
    assert made.uri.startswith("data:image/png;base64,")


def test_a_large_one_is_a_webp_of_nearly_the_same_colours():
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    image = np.stack([np.broadcast_to(ramp, (150, 200)), np.broadcast_to(ramp[::-1], (150, 200))] * 2, axis=-1)[..., :3]
    made = embed_image(image, "ramps")
    assert made.uri.startswith("data:image/webp;base64,") and len(made.uri) < image.size / 10 and not made.pixelated
    np.testing.assert_allclose(pixels(made.uri).astype(int), image, atol=12)


def test_a_large_image_is_shrunk_in_proportion():
    assert shrink(np.zeros((300, 200, 3), np.uint8), 60).shape == (60, 40, 3)
    assert shrink(np.zeros((300, 200, 1), np.uint8), 60).shape == (60, 40, 1)
    image = np.zeros((6, 4, 1), np.uint8)
    assert shrink(image, 60) is image


def test_gaps_between_tiles_are_transparent():
    tiles = [add_alpha(np.full((2, 3, 1), 10 * n, np.uint8)) for n in range(5)]
    canvas = tile_images(tiles, columns=3, gap=1)
    assert canvas.shape == (5, 11, 2)
    alpha = np.zeros((5, 11), np.uint8)
    for n in range(5):
        top, left = n // 3 * 3, n % 3 * 4
        alpha[top : top + 2, left : left + 3] = 255
        assert (canvas[top : top + 2, left : left + 3, 0] == 10 * n).all()
    np.testing.assert_array_equal(canvas[..., 1], alpha)


def test_values_are_coloured_from_zero_to_the_highest():
    """The ends and the middle of viridis, as its authors' table has them."""
    made = pixels(embed_heat_map(np.array([[-1.0, 0.0, 2.0, 4.0]]), "x", high=4.0).uri)
    np.testing.assert_allclose(made[0], [(68, 1, 84), (68, 1, 84), (33, 145, 140), (253, 231, 37)], atol=2)
    assert (pixels(embed_heat_map(np.zeros((2, 2)), "x", high=0.0).uri) == (68, 1, 84)).all()


def test_colours_are_rounded_to_bytes():
    assert to_uint8(np.array([[[0.0, 0.5, 1.2]]]), 3).tolist() == [[[0, 128, 255]]]
