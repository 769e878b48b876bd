"""Augmentations equal torchvision's and timm's for given draws."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from zoo.weights.import_torchvision import import_torchvision  # noqa: E402

import_torchvision()

import timm.data.auto_augment as timm_augment  # noqa: E402
import timm.data.mixup as timm_mixup  # noqa: E402
from timm.data.random_erasing import RandomErasing  # noqa: E402
from torchvision import transforms  # noqa: E402
from torchvision.transforms import InterpolationMode, autoaugment  # noqa: E402
from torchvision.transforms.v2 import functional as v2  # noqa: E402

from zoo.training.augment.auto_augment import IMAGENET_POLICY, policy_amounts  # noqa: E402
from zoo.training.augment.color_jitter import jitter_images  # noqa: E402
from zoo.training.augment.mixing import mix, mixing_weights  # noqa: E402
from zoo.training.augment.operations import AugmentOperation, apply_operations  # noqa: E402
from zoo.training.augment.rand_augment import TIMM_OPERATIONS, rand_amounts  # noqa: E402
from zoo.training.augment.random_erase import erased_sizes  # noqa: E402
from zoo.training.augment.trivial_augment import trivial_amounts  # noqa: E402

pytestmark = pytest.mark.torch

HEIGHT, WIDTH = 38, 46
FILL = (51, 102, 204)
NAMES = {
    "Identity": AugmentOperation.IDENTITY,
    "ShearX": AugmentOperation.SHEAR_X,
    "ShearY": AugmentOperation.SHEAR_Y,
    "TranslateX": AugmentOperation.TRANSLATE_X,
    "TranslateY": AugmentOperation.TRANSLATE_Y,
    "Rotate": AugmentOperation.ROTATE,
    "Brightness": AugmentOperation.BRIGHTNESS,
    "Color": AugmentOperation.COLOUR,
    "Contrast": AugmentOperation.CONTRAST,
    "Sharpness": AugmentOperation.SHARPNESS,
    "Posterize": AugmentOperation.POSTERIZE,
    "Solarize": AugmentOperation.SOLARIZE,
    "AutoContrast": AugmentOperation.AUTOCONTRAST,
    "Equalize": AugmentOperation.EQUALIZE,
    "Invert": AugmentOperation.INVERT,
    "SolarizeAdd": AugmentOperation.SOLARIZE_ADD,
}
MODES = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def picture(seed=0):
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (6, 7, 3), np.uint8))
    soft = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), float)
    return (20 + 210 * soft / 255 + generator.integers(-9, 10, soft.shape)).clip(20, 230).astype(np.uint8)


PICTURE = picture()
apply = jax.jit(apply_operations, static_argnums=(3, 4))


def ours(operations, amounts, interpolation, image=PICTURE):
    images = jnp.broadcast_to(image.astype(np.float32) / 255, (len(operations), *image.shape))
    fill = tuple(level / 255 for level in FILL)
    return 255 * np.asarray(apply(images, jnp.asarray(operations, jnp.int32), amounts, fill, interpolation))


def check_equal(found, theirs, where):
    """To the rounding of uint8. Of positions halfway between two pixels either is right, so `theirs` is for amounts
    that differ a little; PIL's nearest positions are fixed-point numbers."""
    differences = [np.abs(found - np.asarray(theirs(small), np.float32)).max(-1) for small in (-1e-4, 0, 1e-4)]
    # At 45 and 135 degrees whole diagonals are halfway.
    assert (np.min(differences, 0) > 1.51).mean() <= (0.03 if where[0] == "Rotate" else 0.01), where


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("policy", ["rand", "auto", "trivial"])
def test_torchvisions_operations_at_every_magnitude(policy, interpolation):
    spaces = {
        "rand": autoaugment.RandAugment()._augmentation_space(31, (HEIGHT, WIDTH)),
        "auto": autoaugment.AutoAugment()._augmentation_space(10, (HEIGHT, WIDTH)),
        "trivial": autoaugment.TrivialAugmentWide()._augmentation_space(31),
    }
    amounts_of = {
        "rand": lambda operation, level: rand_amounts(operation, level, "torchvision", HEIGHT, WIDTH),
        "auto": lambda operation, level: policy_amounts(operation, level, HEIGHT, WIDTH),
        "trivial": trivial_amounts,
    }
    cases = []
    for name, (magnitudes, signed) in spaces[policy].items():
        bins = range(len(magnitudes)) if magnitudes.ndim else [0]
        cases += [(name, level * sign) for level in bins for sign in ((1, -1) if signed else (1,))]
    operations = jnp.array([NAMES[name] for name, _ in cases])
    levels = jnp.array([level for _, level in cases], jnp.float32)
    results = ours(operations, amounts_of[policy](operations, levels), interpolation)
    for (name, level), result in zip(cases, results, strict=True):
        magnitudes, _ = spaces[policy][name]
        magnitude = float(magnitudes[abs(level)]) * np.sign(level or 1) if magnitudes.ndim else 0.0
        mode = InterpolationMode(interpolation)

        def theirs(small, name=name, magnitude=magnitude, mode=mode):
            small = 0 if name in ("Posterize", "Solarize") else small
            return autoaugment._apply_op(Image.fromarray(PICTURE), name, magnitude + small, mode, list(FILL))

        check_equal(result, theirs, (name, level))


def test_the_policy_is_torchvisions():
    theirs = autoaugment.AutoAugment().policies
    policy = [tuple((NAMES[name], p, level or 0) for name, p, level in pair) for pair in theirs]
    assert tuple(policy) == IMAGENET_POLICY


def posterize(image, bits, **kwargs):
    return timm_augment.posterize(image, bits, **kwargs) if bits else Image.new("RGB", image.size)


@pytest.mark.parametrize("interpolation", MODES)
@pytest.mark.parametrize("form", ["timm", "timm-inc"])
def test_timms_operations_at_many_magnitudes(form, interpolation, monkeypatch):
    names = timm_augment._RAND_INCREASING_TRANSFORMS if form == "timm-inc" else timm_augment._RAND_TRANSFORMS
    plain = [name.removesuffix("Increasing").removesuffix("Rel") for name in names]
    assert sorted(NAMES[name] for name in plain) == sorted(TIMM_OPERATIONS)
    levels = [0.0, 0.3, 2.6, 4.9, 7.0, 8.77, 9.0, 10.0]
    cases = [(name, level, sign) for name in names for level in levels for sign in (1, -1)]
    of_name = dict(zip(names, (NAMES[name] for name in plain), strict=True))
    operations = jnp.array([of_name[name] for name, _, _ in cases])
    signed = jnp.array([level * sign for _, level, sign in cases], jnp.float32)
    results = ours(operations, rand_amounts(operations, signed, form, HEIGHT, WIDTH), interpolation)
    hparams = {"img_mean": FILL, "interpolation": MODES[interpolation]}
    # Newer Pillow refuses to keep 0 bits, which were a black image.
    monkeypatch.setitem(timm_augment.NAME_TO_OP, "Posterize", posterize)
    monkeypatch.setitem(timm_augment.NAME_TO_OP, "PosterizeIncreasing", posterize)
    for (name, level, sign), result in zip(cases, results, strict=True):
        monkeypatch.setattr(timm_augment, "_randomly_negate", lambda value, sign=sign: sign * value)

        def theirs(small, name=name, level=level):
            small = 0 if name.startswith(("Posterize", "Solarize")) else small
            operation = timm_augment.AugmentOp(name, prob=1.0, magnitude=level + small, hparams=hparams)
            return operation(Image.fromarray(PICTURE))

        check_equal(result, theirs, (name, level, sign))


def test_what_timms_rand_m9_mstd05_inc1_means():
    transform = timm_augment.rand_augment_transform("rand-m9-mstd0.5-inc1", {"img_mean": FILL})
    assert transform.num_layers == 2 and len(transform.ops) == len(TIMM_OPERATIONS)
    assert {(one.prob, one.magnitude, one.magnitude_std) for one in transform.ops} == {(0.5, 9, 0.5)}


def test_operations_one_after_the_other():
    """PIL rounds between them, which equalize may enlarge; means do not change."""
    generator, amount = np.random.default_rng(0), {}
    names = [name for name in timm_augment._RAND_INCREASING_TRANSFORMS if "Posterize" not in name]
    for number in range(40):
        first, second = generator.choice(names, 2)
        image, expected = picture(number), Image.fromarray(picture(number))
        found = image.astype(np.float32)[None] / 255
        for name in (first, second):
            amount = timm_augment.AugmentOp(name, 1.0, 7, {"img_mean": FILL, "interpolation": MODES["bilinear"]})
            random.seed(number)
            sign = -1 if random.random() > 0.5 else 1
            random.seed(number)
            expected = amount(expected)
            operation = jnp.array([NAMES[name.removesuffix("Increasing").removesuffix("Rel")]])
            amounts = rand_amounts(operation, jnp.array([7.0 * sign]), "timm-inc", HEIGHT, WIDTH)
            found = apply(found, operation, amounts, tuple(level / 255 for level in FILL), "bilinear")
        difference = np.abs(255 * np.asarray(found)[0] - np.asarray(expected, np.float32))
        assert np.median(difference) <= 1.5 and difference.mean() <= 3, (first, second)


def test_color_jitter_in_each_order():
    generator = np.random.default_rng(0)
    images = np.stack([picture(seed) for seed in range(24)]).astype(np.float32) / 255
    order = np.stack([generator.permutation(4) for _ in images], 1)
    amount = np.concatenate([generator.uniform(0.2, 1.8, (24, 3)), generator.uniform(-0.5, 0.5, (24, 1))], 1)
    found = jax.jit(jitter_images)(images, order, jnp.asarray(amount, jnp.float32))
    changes = (v2.adjust_brightness, v2.adjust_contrast, v2.adjust_saturation, v2.adjust_hue)
    for number, image in enumerate(images):
        expected = torch.tensor(image).permute(2, 0, 1)
        for which in order[:, number]:
            expected = changes[which](expected, float(amount[number, which]))
        np.testing.assert_allclose(found[number], expected.permute(1, 2, 0), atol=1e-3)  # its luma has 0.2989 for red


@pytest.mark.parametrize("channels", [1, 3])
def test_color_jitter_of_extreme_pixels(channels):
    generator = np.random.default_rng(0)
    image = generator.choice([0.0, 0.2, 1.0], (1, 20, 20, channels)).astype(np.float32)
    for which, amount in ((0, 1.7), (1, 0.3), (2, 0.0), (2, 2.0), (3, 0.5), (3, -0.21)):
        order = np.array([[which], [which], [which], [which]])
        values = np.full((1, 4), amount, np.float32)
        values[:, :3][:, [kind for kind in range(3) if kind != which]] = 1
        once = jnp.take(jnp.asarray(order), jnp.array([0]), axis=0)
        found = jitter_images(image, once, jnp.asarray(values))
        changes = (v2.adjust_brightness, v2.adjust_contrast, v2.adjust_saturation, v2.adjust_hue)
        expected = changes[which](torch.tensor(image[0]).permute(2, 0, 1), amount)
        np.testing.assert_allclose(found[0], expected.permute(1, 2, 0), atol=3e-4)


def test_erased_rectangles_are_drawn_as_torchvisions_and_timms():
    count, height, width = 20_000, 60, 90
    sizes = np.asarray(erased_sizes(jax.random.key(0), count, height, width, 0.33))
    torch.manual_seed(0)
    image = torch.zeros(1, height, width)
    boxes = [transforms.RandomErasing.get_params(image, (0.02, 0.33), (0.3, 3.3), [0.0])[2:4] for _ in range(4_000)]
    for found, expected in zip(sizes.T, np.array(boxes).T, strict=True):
        np.testing.assert_allclose(
            np.quantile(found, [0.1, 0.5, 0.9]), np.quantile(expected, [0.1, 0.5, 0.9]), atol=1.5
        )
    random.seed(0)
    timms, erased = RandomErasing(1.0, mode="pixel", device="cpu"), []
    for _ in range(2_000):
        erased.append(float((timms(image.clone()) != 0).float().mean()))
    np.testing.assert_allclose((sizes.prod(1) / (height * width)).mean(), np.mean(erased), atol=0.01)


def test_images_mixed_each_for_itself(monkeypatch):
    """timm's mode elem, with the shares and boxes that ours drew."""
    generator = np.random.default_rng(0)
    images, labels = generator.normal(size=(8, 12, 10, 3)).astype(np.float32), np.arange(8)
    targets = jax.nn.one_hot(labels, 8)
    alphas, key = {"mixup": 0.4, "cutmix": 1.0}, jax.random.key(5)
    found, found_targets = mix(key, jnp.asarray(images), targets, **alphas, per_image=True)
    weights = np.stack([mixing_weights(one, 12, 10, **alphas) for one in jax.random.split(key, 8)])
    cuts = np.array([len(np.unique(one)) > 1 for one in weights])
    assert 0 < cuts.sum() < 8
    boxes = []
    for one in weights[cuts]:
        rows, columns = np.flatnonzero((one == 0).any(1)), np.flatnonzero((one == 0).any(0))
        boxes.append(((rows[0], rows[-1] + 1, columns[0], columns[-1] + 1), one.mean()))
    remaining = iter(boxes)
    monkeypatch.setattr(timm_mixup, "cutmix_bbox_and_lam", lambda *_, **__: next(remaining))
    mixer = timm_mixup.Mixup(0.4, 1.0, mode="elem", label_smoothing=0.0, num_classes=8)
    monkeypatch.setattr(mixer, "_params_per_elem", lambda _: (weights.mean((1, 2)), cuts))
    expected, expected_targets = mixer(torch.tensor(images).permute(0, 3, 1, 2), torch.tensor(labels))
    np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1), atol=1e-5)
    np.testing.assert_allclose(found_targets, expected_targets, atol=1e-5)
