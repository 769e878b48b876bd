"""The recipes of the table: learning rates against formulas written by hand, optimizers against plain NumPy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.training import Recipe, learning_rate_schedule, make_optimizer, recipe_for
from zoo.training.config.choose_recipe import choose_recipe, describe_recipe
from zoo.training.config.network_settings import for_network
from zoo.training.config.overrides import fit_sizes, with_given
from zoo.training.config.recipe_table import ROWS, data_kind, named_recipe, sourced_recipe_for
from zoo.training.config.recipes.named import NAMED
from zoo.training.config.unused_settings import check_used

TABLE = {
    **{(kind, row.models[0]): row for kind in ("ImageNet", "CIFAR") for row in ROWS[kind]},
    **{("named", name): row for name, row in NAMED.items()},
}


def tenths(*epochs):
    """A rate that falls to a tenth at each of these epochs."""
    return lambda e: 0.1 ** sum(e >= epoch for epoch in epochs)


def cosine(epochs, warmup=0, start=0.0):
    def rate(e):
        if e < warmup:
            return start + (1 - start) * e / warmup
        return (1 + np.cos(np.pi * (e - warmup) / (epochs - warmup))) / 2

    return rate


def straight(epochs, warmup):
    return lambda e: min(e / warmup, (epochs - e) / (epochs - warmup))


def staircase(factor, every):
    return lambda e: factor ** np.floor(e / every + 1e-9)


def warmed(rate, warmup=5):
    return lambda e: e / warmup if e < warmup else rate(e)


# The peak, the epochs of the run, and the rate after so many of them, relative to the peak: by hand, from the sources.
RATES = {
    ("ImageNet", "alexnet_2012"): (0.01, 90, tenths(20, 40, 60)),
    ("ImageNet", "alexnet"): (0.01, 90, lambda e: 250 ** (-np.floor(e / 22.5) / 3)),
    ("ImageNet", "zfnet"): (0.01, 70, tenths(20, 40, 60)),
    ("ImageNet", "nin"): (0.01, 22, tenths(10, 20)),
    ("ImageNet", "vgg*_bn"): (0.1, 90, tenths(30, 60)),
    ("ImageNet", "vgg*"): (0.01, 74, tenths(20, 40, 60)),
    ("ImageNet", "googlenet"): (0.01, 60, lambda e: (1 - e / 60) ** 0.5),
    ("ImageNet", "googlenet_*"): (0.36, 150, staircase(0.96, 1.333)),
    ("ImageNet", "inception_v2*"): (0.36, 150, staircase(0.96, 1.333)),
    ("ImageNet", "inception_v3*"): (0.36, 100, staircase(0.94, 2)),
    ("ImageNet", "inception_v4"): (0.36, 160, staircase(0.94, 2)),
    ("ImageNet", "xception"): (0.045, 100, staircase(0.94, 2)),
    ("ImageNet", "xception[0-9]*"): (0.4, 100, staircase(0.94, 2)),
    ("ImageNet", "nasnet_mobile*"): (2.0, 312, staircase(0.97, 2.4)),
    ("ImageNet", "nasnet*"): (1.5, 312, staircase(0.97, 2.4)),
    ("ImageNet", "resnet*v2"): (0.1, 90, tenths(30, 60)),
    ("ImageNet", "resnext*"): (0.1, 100, tenths(30, 60, 90)),
    ("ImageNet", "seresne*"): (0.6, 100, tenths(30, 60, 90)),
    ("ImageNet", "ecaresnet*"): (0.1, 100, tenths(30, 60, 90)),
    ("ImageNet", "skresne*"): (0.1, 100, tenths(30, 60, 90)),
    ("ImageNet", "resnest*"): (3.2, 270, cosine(270, 5)),
    ("ImageNet", "cspresne*"): (0.1, 80, lambda e: (1 - e / 80) ** 4),
    ("ImageNet", "dla*"): (0.1, 120, tenths(30, 60, 90)),
    ("ImageNet", "ese_vovnet*"): (0.1, 90, tenths(30, 60)),
    ("ImageNet", "dpn*"): (0.316, 100, tenths(30, 60, 90)),
    ("ImageNet", "resnetrs*"): (1.6, 350, cosine(350, 5)),
    ("ImageNet", "resnet*d"): (0.4, 120, cosine(120, 5)),
    ("ImageNet", "wide_resnet*"): (0.1, 90, tenths(30, 60)),
    ("ImageNet", "resnet*"): (0.1, 90, warmed(tenths(30, 60, 80))),
    ("ImageNet", "densenet*"): (0.1, 90, tenths(30, 60)),
    ("ImageNet", "squeezenet*"): (0.04, 68, lambda e: 1 - e / 68),
    ("ImageNet", "mobilenet_v1*"): (0.36, 100, staircase(0.94, 2)),
    ("ImageNet", "mobilenet_v2*"): (0.12, 300, staircase(0.98, 1)),
    ("ImageNet", "mobilenet_v3*"): (0.1, 600, warmed(staircase(0.99, 3))),
    ("ImageNet", "mobilenet_v4*"): (0.004, 500, cosine(500, 5)),
    ("ImageNet", "lcnet*"): (0.8, 360, cosine(360, 5)),
    ("ImageNet", "rexnet*"): (0.5, 400, cosine(400, 5)),
    ("ImageNet", "ghostnetv2*"): (0.064, 450, warmed(staircase(0.973, 2.4), 3)),
    ("ImageNet", "ghostnet*"): (0.4, 400, cosine(400, 5)),
    ("ImageNet", "shufflenet_v2*"): (0.5, 240, lambda e: 1 - e / 240),
    ("ImageNet", "mnasnet*"): (0.256, 350, warmed(staircase(0.97, 2.4))),
    ("ImageNet", "efficientnet_v2*"): (0.256, 350, warmed(staircase(0.97, 2.4))),
    ("ImageNet", "efficientnet*"): (0.256, 350, warmed(staircase(0.97, 2.4))),
    ("ImageNet", "regnet*"): (0.8, 100, cosine(100, 5, 0.1)),
    ("ImageNet", "hrnet*"): (0.05, 100, tenths(30, 60, 90)),
    ("ImageNet", "hgnet*"): (0.5, 600, cosine(600, 5)),
    ("ImageNet", "convnext*"): (0.004, 300, cosine(300, 20)),
    ("ImageNet", "inception_next*"): (0.004, 300, cosine(300, 20)),
    ("ImageNet", "starnet_s4"): (0.003, 300, cosine(300, 5)),
    ("ImageNet", "starnet*"): (0.003, 300, cosine(300, 5)),
    ("ImageNet", "fasternet_t0"): (0.004, 300, cosine(300, 20)),
    ("ImageNet", "fasternet*"): (0.004, 300, cosine(300, 20)),
    ("ImageNet", "nf_resnet*"): (1.6, 90, cosine(90, 5)),
    ("ImageNet", "dm_nfnet_f0"): (1.6, 360, cosine(360, 5)),
    ("ImageNet", "*nfnet*"): (1.6, 360, cosine(360, 5)),
    ("ImageNet", "resnetv2_*_bit"): (0.48, 90, warmed(tenths(30, 60, 80), 16)),
    ("ImageNet", "repvgg_b3"): (0.1, 200, cosine(200, 5)),
    ("ImageNet", "repvgg*"): (0.1, 120, cosine(120)),
    ("ImageNet", "mobileone_s0"): (0.1, 300, cosine(300)),
    ("ImageNet", "mobileone*"): (0.1, 300, cosine(300)),
    ("CIFAR", "wide_resnet*"): (0.1, 200, lambda e: 0.2 ** sum(e >= epoch for epoch in (60, 120, 160))),
    ("CIFAR", "resnet*_cifar"): (0.1, 164, tenths(82, 123)),
    ("CIFAR", "pyramidnet*"): (0.1, 300, tenths(150, 225)),
    ("CIFAR", "resnet*"): (0.1, 164, tenths(82, 123)),
    ("CIFAR", "densenet*"): (0.1, 300, tenths(150, 225)),
    ("CIFAR", "airbench96"): (0.02, 31, straight(31, 1)),
    ("CIFAR", "airbench*"): (0.02, 15, straight(15, 1)),
    ("CIFAR", "nin*"): (0.0002, 100, cosine(100, 1)),
    ("CIFAR", "vgg*_bn"): (0.1, 200, cosine(200)),
    ("named", "default"): (0.001, 20, cosine(20, 1)),
    ("named", "resnet_90"): (0.1, 90, warmed(tenths(30, 60, 80))),
    ("named", "speedrun"): (0.02, 6, straight(6, 1.2)),
    ("named", "speedrun_digits"): (0.004, 10, cosine(10, 1)),
    ("named", "timm_a1"): (0.005, 600, cosine(600, 5, 0.02)),
    ("named", "timm_a2"): (0.005, 300, cosine(300, 5, 0.02)),
    ("named", "timm_a3"): (0.008, 100, cosine(100, 5, 0.0125)),
    ("named", "torchvision_v2"): (0.5, 600, cosine(600, 5, 0.01)),
}
STEPS = 100  # per epoch


def test_every_row_has_its_formula():
    assert RATES.keys() == TABLE.keys()


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_learning_rates_at_ten_steps(key):
    recipe, (peak, epochs, relative) = Recipe(**TABLE[key].settings), RATES[key]
    assert recipe.epochs == epochs
    steps = np.array([100, 260, 499, *(np.arange(1, 8) * epochs * STEPS // 7.3)], np.int32)
    found = jax.vmap(learning_rate_schedule(recipe, STEPS))(steps)
    np.testing.assert_allclose(found, [peak * relative(step / STEPS) for step in steps], rtol=2e-4, atol=1e-9)


def nearly_orthogonal(matrix):
    """Five iterations of Newton and Schulz, with the coefficients of Jordan et al."""
    x = matrix / np.linalg.norm(matrix)
    for _ in range(5):
        square = x.T @ x
        x = 3.4445 * x + x @ (-4.775 * square + 2.0315 * square @ square)
    return x


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_one_step_of_the_optimizer(key):
    unclipped = {"schedule": "constant", "warmup_epochs": 0.0, "clip_norm": 0.0, "clip_adaptive": 0.0}
    recipe = Recipe(**{**TABLE[key].settings, **unclipped})
    rate, decay = RATES[key][0], recipe.weight_decay
    rng = np.random.default_rng(0)
    params = {"kernel": rng.normal(size=(5, 3)), "bias": rng.normal(size=3)}
    gradient = {"kernel": rng.normal(size=(5, 3)), "bias": rng.normal(size=3)}
    optimizer = make_optimizer(recipe, STEPS)
    given = jax.tree.map(jnp.asarray, (gradient, params))
    updates, _ = optimizer.update(given[0], optimizer.init(given[1]), given[1])
    for name, g in gradient.items():
        wd = decay * params[name] if name == "kernel" or recipe.decay_norms else 0
        match recipe.optimizer:
            case "sgd":
                step = (g + wd) * (1.9 if recipe.nesterov else 1)
            case "rmsprop":
                step = (g + wd) / np.sqrt(0.9 + 0.1 * (g + wd) ** 2 + recipe.rms_epsilon)
            case "adamw":
                step = g / (np.abs(g) + 1e-8) + wd
            case "lamb":
                step = g / (np.abs(g) + 1e-6) + wd
                if name == "kernel":
                    step = step * np.linalg.norm(params[name]) / np.linalg.norm(step)
            case "muon":
                # Jordan et al. 2024, of the root mean square of AdamW's updates; Adam for the bias.
                step = 0.2 * 5**0.5 * nearly_orthogonal(g) if name == "kernel" else g / (np.abs(g) + 1e-8)
                step = step + wd
        # Of layers other than the head.
        np.testing.assert_allclose(updates[name], -rate * recipe.backbone_rate * step, rtol=1e-3, err_msg=name)


def test_every_network_of_1000_classes_has_a_recipe_for_imagenet():
    for name in zoo.list_models():
        if zoo.model_info(name).num_classes == 1000:
            found = sourced_recipe_for(name, "ImageNet")
            assert found.title == "ImageNet" and found.source
            # Nothing in it is without effect.
            assert for_network(found.recipe, name, found.recipe.network_fields, {}) == found.recipe
            assert found.recipe == recipe_for(name, "imagenet2012")


def test_every_row_is_the_recipe_of_a_network():
    for kind in ("ImageNet", "CIFAR", "Fashion-MNIST", "digits"):
        sources = {sourced_recipe_for(name, kind).recipe for name in zoo.list_models()}
        assert all(Recipe(**row.settings) in sources for row in ROWS[kind])


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_no_setting_of_a_recipe_is_without_effect(key):
    check_used(Recipe(**TABLE[key].settings), TABLE[key].settings)


@pytest.mark.parametrize(
    ("name", "classes", "side", "kind"),
    [
        ("imagenet2012", 1000, 375, "ImageNet"),
        ("photos", 1000, 375, "ImageNet"),
        ("photos", 1000, 64, "ImageNet"),
        ("photos", 1000, 32, "any data"),
        ("photos", 999, 375, "any data"),
        ("cifar10", 10, 32, "CIFAR"),
        ("svhn_cropped", 10, 32, "any data"),
        ("digits", 10, 8, "digits"),
    ],
)
def test_the_kind_of_data(name, classes, side, kind):
    assert data_kind(name, classes, side) == kind


def test_a_run_says_where_its_recipe_is_from(photographs):
    chosen = choose_recipe("resnet50", photographs, None, pretrained=False)
    source, why = describe_recipe(chosen, photographs)
    assert "Goyal" in source and "photographs" in why and "--recipe default" in why
    (line,) = describe_recipe(choose_recipe("resnet50", photographs, "timm_a2", pretrained=False), photographs)
    assert "Wightman" in line
    assert choose_recipe("resnet50", photographs, "default", pretrained=False).recipe == Recipe()
    named = dataclasses.replace(photographs, name="imagenet2012")
    assert len(describe_recipe(chosen, named)) == 1
    assert choose_recipe("resnet50", photographs, None, pretrained=True).recipe.backbone_rate == 0.1


@pytest.fixture
def photographs():
    """A data set of 1,000 classes, without its images."""
    return zoo.data.Dataset("photographs", (), (), tuple(f"class {n}" for n in range(1000)), (375, 500, 3))


def test_a_setting_that_is_given_replaces_what_belongs_to_it():
    vgg = recipe_for("vgg16", "imagenet2012")
    assert (vgg.crop, vgg.crop_sizes) == (0, "256-512")
    cropped = with_given(vgg, {"crop": 0.08})
    assert (cropped.crop, cropped.crop_sizes) == (0.08, "none")
    resnet = with_given(recipe_for("resnet50", "imagenet2012"), {"crop_sizes": "256-480"})
    assert (resnet.crop, resnet.crop_sizes) == (0, "256-480")


def test_sizes_are_scaled_with_the_images():
    vgg, v2 = recipe_for("vgg16", "imagenet2012"), named_recipe("torchvision_v2")
    assert fit_sizes(vgg, {}, own=224, size=224) == vgg
    assert fit_sizes(vgg, {}, own=224, size=64).crop_sizes == "74-147"
    assert fit_sizes(vgg, {"crop_sizes"}, own=224, size=64) == vgg
    assert fit_sizes(v2, {}, own=176, size=88).eval_size == 112
    assert fit_sizes(v2, {"eval_size"}, own=176, size=88).eval_size == 224
    assert fit_sizes(recipe_for("alexnet", "imagenet2012"), {}, own=224, size=112).crop_sizes == "128"
