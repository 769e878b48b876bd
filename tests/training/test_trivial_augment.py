"""TrivialAugment: each operation at each strength against PIL; what is drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from zoo.training.augment.operations import AugmentOperation, apply_operations
from zoo.training.augment.trivial_augment import OPERATIONS, random_operations, trivial_amounts, trivial_augment
from zoo.training.augment.warp import warp

HEIGHT, WIDTH = 38, 45
FILL = (51, 102, 204)
STRENGTHS = np.arange(-30, 31)
GEOMETRIC = {
    AugmentOperation.SHEAR_X: lambda s: (1, 0.99 * s / 30, 0, 0, 1, 0),
    AugmentOperation.SHEAR_Y: lambda s: (1, 0, 0, 0.99 * s / 30, 1, 0),
    AugmentOperation.TRANSLATE_X: lambda s: (1, 0, -int(32 * s / 30), 0, 1, 0),
    AugmentOperation.TRANSLATE_Y: lambda s: (1, 0, 0, 0, 1, -int(32 * s / 30)),
}
ENHANCING = {
    AugmentOperation.BRIGHTNESS: ImageEnhance.Brightness,
    AugmentOperation.COLOUR: ImageEnhance.Color,
    AugmentOperation.CONTRAST: ImageEnhance.Contrast,
    AugmentOperation.SHARPNESS: ImageEnhance.Sharpness,
}
LEVELLING = {
    AugmentOperation.POSTERIZE: lambda image, s: ImageOps.posterize(image, 8 - round(6 * abs(s) / 30)),
    AugmentOperation.SOLARIZE: lambda image, s: ImageOps.solarize(image, 255 - 8.5 * abs(s)),
    AugmentOperation.AUTOCONTRAST: lambda image, s: ImageOps.autocontrast(image),
    AugmentOperation.EQUALIZE: lambda image, s: ImageOps.equalize(image),
}


def picture(channels, low=20, high=230):
    """uint8 [HEIGHT, WIDTH, channels]: soft shapes with fine grain, some levels in none of its pixels."""
    generator = np.random.default_rng(channels)
    coarse = Image.fromarray(generator.integers(0, 256, (6, 7, 3), np.uint8))
    soft = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), float)[:, :, :channels]
    soft = low + (high - low) * soft / 255 + generator.integers(-9, 10, soft.shape)
    return soft.clip(low, high).astype(np.uint8)


@jax.jit
def ours(image, operation, strengths):
    images = jnp.broadcast_to(image.astype(jnp.float32) / 255, (len(strengths), *image.shape))
    fill = tuple(level / 255 for level in FILL)[: image.shape[-1]]
    operation = jnp.broadcast_to(operation, strengths.shape)
    return 255 * apply_operations(images, operation, trivial_amounts(operation, strengths), fill)


def pairs(operation, image, theirs):
    """Our image and PIL's at every strength, in grey levels."""
    pil = Image.fromarray(image.squeeze())
    results = np.asarray(ours(image, int(operation), STRENGTHS))
    for strength, result in zip(STRENGTHS, results, strict=True):
        yield result, np.asarray(theirs(pil, float(strength)), np.float32).reshape(image.shape)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", GEOMETRIC)
def test_geometric_operations_are_pil_affine_maps(operation, channels):
    fill = FILL if channels == 3 else FILL[0]

    def theirs(image, strength):
        return image.transform(image.size, Image.AFFINE, GEOMETRIC[operation](strength), fillcolor=fill)

    for result, expected in pairs(operation, picture(channels), theirs):
        # A position halfway between two pixels may be rounded to either.
        assert (np.abs(result - expected) > 1e-3).any(-1).mean() < 0.01


def test_rotation_is_pils():
    def theirs(image, strength):
        return image.rotate(135 * strength / 30, fillcolor=FILL)

    # Both sides even: otherwise a right angle puts every position halfway between two pixels.
    for result, expected in pairs(AugmentOperation.ROTATE, picture(3)[:, :44], theirs):
        assert (np.abs(result - expected) > 1e-3).any(-1).mean() < 0.03


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", ENHANCING)
def test_enhancements_are_pils_to_its_rounding(operation, channels):
    def theirs(image, strength):
        return ENHANCING[operation](image).enhance(1 + 0.99 * strength / 30)

    for result, expected in pairs(operation, picture(channels), theirs):
        # PIL rounds the image without the property, and cuts off what it blends.
        np.testing.assert_allclose(result, expected, atol=1.51)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", LEVELLING)
def test_changes_of_levels_are_pils(operation, channels):
    atol = 1.001 if operation == AugmentOperation.AUTOCONTRAST else 1e-3
    for result, expected in pairs(operation, picture(channels), LEVELLING[operation]):
        np.testing.assert_allclose(result, expected, atol=atol)


@pytest.mark.parametrize("operation", [AugmentOperation.AUTOCONTRAST, AugmentOperation.EQUALIZE])
def test_images_of_one_level_or_two_are_as_with_pil(operation):
    plain, halves = np.full((HEIGHT, WIDTH, 1), 77, np.uint8), np.full((HEIGHT, WIDTH, 1), 77, np.uint8)
    halves[:9] = 200
    for image in (plain, halves, np.zeros_like(plain), np.full_like(plain, 255)):
        for result, expected in pairs(operation, image, LEVELLING[operation]):
            np.testing.assert_allclose(result, expected, atol=1e-3)


def test_too_few_pixels_to_equalize_stay_as_they_are():
    image = np.random.default_rng(0).integers(0, 17, (8, 8, 1)).astype(np.uint8) * 15
    result = ours(image, int(AugmentOperation.EQUALIZE), STRENGTHS[-1:])[0]
    np.testing.assert_allclose(
        result, np.asarray(ImageOps.equalize(Image.fromarray(image[..., 0])))[..., None], atol=1e-3
    )


@pytest.mark.parametrize("operation", [*GEOMETRIC, *ENHANCING, AugmentOperation.POSTERIZE, AugmentOperation.SOLARIZE])
def test_strength_zero_and_the_identity_change_nothing(operation):
    image = picture(3)
    if operation == AugmentOperation.SOLARIZE:
        image = image.clip(0, 254)
    np.testing.assert_allclose(ours(image, int(operation), np.zeros(1, int))[0], image, atol=1e-3)
    np.testing.assert_allclose(ours(image, int(AugmentOperation.IDENTITY), STRENGTHS[:1])[0], image, atol=1e-3)


def test_the_identity_keeps_values_between_the_levels():
    images = jax.random.uniform(jax.random.key(0), (2, 5, 6, 3))
    nothing, strength = np.zeros(2, int), np.full(2, 30)
    result = jax.jit(apply_operations, static_argnums=3)(images, nothing, strength, (0.0, 0.0, 0.0))
    np.testing.assert_array_equal(result, images)


def test_the_first_and_the_last_pixel_are_inside():
    images = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3, 1)
    maps = np.array([[[1, 0, 0], [0, 1, 0]]], np.float32)
    warped = jax.jit(warp, static_argnums=2)
    np.testing.assert_array_equal(warped(images, maps, (0.0,)), images)
    half_turn = np.array([[[-1, 0, 3], [0, -1, 2]]], np.float32)
    np.testing.assert_array_equal(warped(images, half_turn, (0.0,)), images[:, ::-1, ::-1])


def test_operations_and_strengths_are_drawn_uniformly_and_apart():
    count = 60_000
    drawn = jax.jit(random_operations, static_argnums=1)(jax.random.key(3), count)
    operation, strength = map(np.asarray, drawn)
    together = np.zeros((OPERATIONS, 31), int)
    np.add.at(together, (operation, np.abs(strength)), 1)
    # Chi-squared over 14 x 31 cells has mean 433 and deviation 29.
    expected = count / together.size
    assert together.size == 14 * 31
    assert ((together - expected) ** 2 / expected).sum() < 433 + 4 * 29
    assert strength.min() == -30 and strength.max() == 30
    assert abs((strength[strength != 0] > 0).mean() - 0.5) < 0.01


def test_each_image_of_a_batch_gets_its_own_operation():
    images, fill = np.broadcast_to(np.float32(picture(3) / 255), (64, HEIGHT, WIDTH, 3)), (0.5, 0.5, 0.5)
    key = jax.random.key(5)
    results = np.asarray(jax.jit(trivial_augment, static_argnums=2)(key, images, fill))
    operation, strength = map(np.asarray, jax.jit(random_operations, static_argnums=1)(key, 64))
    amount = np.asarray(jax.jit(trivial_amounts)(operation, strength))
    alone = jax.jit(apply_operations, static_argnums=3)
    for i in (0, 17, 63):
        np.testing.assert_allclose(
            results[i], alone(images[:1], operation[i : i + 1], amount[i : i + 1], fill)[0], atol=1e-6
        )
    assert len(np.unique(results.reshape(64, -1), axis=0)) > 30
    assert results.min() >= 0 and results.max() <= 1
