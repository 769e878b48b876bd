"""Mixup and CutMix, against what their papers say they are; the training step with them."""

import math
import re
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from quick import drawn

import zoo
from zoo.models.network import Network
from zoo.runtime.mesh import data_mesh, replicated, shard_batch
from zoo.training import Recipe, create_state, train_step
from zoo.training.augment.mixing import _range_around, mix, mixing_weights
from zoo.training.step import cross_entropy, prepare_batch

IMAGES = np.random.default_rng(0).normal(size=(8, 12, 10, 3)).astype(np.float32)
TARGETS = np.eye(8, dtype=np.float32)
MIXUP, CUTMIX, BOTH = ({"mixup": mixup, "cutmix": cutmix} for mixup, cutmix in ((0.4, 0.0), (0.0, 1.0), (0.4, 1.0)))


@jax.jit
def mixup_of(key):
    return mix(key, IMAGES, TARGETS, **MIXUP)


@jax.jit
def cutmix_of(key):
    return mix(key, IMAGES, TARGETS, **CUTMIX)


def shares(alphas, count):
    """[count, 12, 10]: the shares of an image's own pixels in as many batches."""
    keys = jax.random.split(jax.random.key(2), count)
    return np.asarray(jax.jit(jax.vmap(lambda key: mixing_weights(key, 12, 10, **alphas)))(keys))


def test_mixup_blends_an_image_and_its_target_with_the_mirrored_one():
    for seed in range(3):
        images, targets = map(np.asarray, mixup_of(jax.random.key(seed)))
        share = float(targets[0, 0])
        assert 0 < share < 1
        np.testing.assert_allclose(images, share * IMAGES + (1 - share) * IMAGES[::-1], atol=1e-5)
        np.testing.assert_allclose(targets, share * np.eye(8) + (1 - share) * np.eye(8)[::-1], atol=1e-6)


def test_cutmix_puts_a_box_of_the_mirrored_image_in_and_shares_the_target_by_area():
    for seed in range(5):
        images, targets = (np.asarray(part) for part in cutmix_of(jax.random.key(seed)))
        other = (images == IMAGES[::-1]).all(-1)
        assert ((images == IMAGES).all(-1) ^ other).all()
        assert (other == other[0]).all()
        rows, columns = other[0].any(1), other[0].any(0)
        assert (other[0] == rows[:, None] & columns).all()
        assert all(abs(np.diff(np.flatnonzero(line), 1) - 1).sum() == 0 for line in (rows, columns))
        np.testing.assert_allclose(np.diagonal(targets), 1 - other[0].mean(), atol=1e-6)
        np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)


def test_mixups_shares_have_the_moments_of_the_beta_distribution():
    values = shares(MIXUP, 4000)[:, 0, 0]
    # Beta(a, a): mean 1/2, variance 1 / (4 (2a + 1)).
    assert abs(values.mean() - 0.5) < 0.02
    assert abs(values.var() - 1 / (4 * 1.8)) < 0.005


def test_cutmixs_boxes_lose_what_lies_outside():
    values = shares(CUTMIX, 4000)
    # The same drawn plainly, as in section 3.1 and its authors' program.
    generator, expected = np.random.default_rng(0), []
    for share in generator.uniform(size=4000):
        edges = []
        for size in (12, 10):
            length, middle = int(size * np.sqrt(1 - share)), generator.integers(size)
            start = middle - length // 2
            edges.append(max(min(start + length, size) - max(start, 0), 0))
        expected.append(1 - edges[0] * edges[1] / 120)
    assert abs(values.mean() - np.mean(expected)) < 0.02
    assert abs(values.mean((1, 2)).std() - np.std(expected)) < 0.02
    assert set(np.unique(values)) == {0, 1}


@pytest.mark.parametrize(("center", "share"), [(0.0, 0.3), (0.41, 0.55), (0.97, 0.72), (0.5, 1.0), (0.2, 0.0)])
def test_a_side_of_cutmixs_box_is_that_of_timms_program(center, share):
    for size in (9, 10, 31):
        cut, middle = int(np.float32(size) * np.float32(share)), int(size * center)
        low, high = np.clip(middle - cut // 2, 0, size), np.clip(middle + (cut + 1) // 2, 0, size)
        expected = (low <= np.arange(size)) & (np.arange(size) < high)
        found = jax.jit(_range_around, static_argnums=1)(np.float32(center), size, np.float32(share))
        np.testing.assert_array_equal(found, expected)


def test_each_batch_takes_one_of_both_ways():
    values = shares(BOTH, 2000)
    cut = np.isin(values, (0, 1)).all((1, 2))
    assert abs(cut.mean() - 0.5) < 0.04
    assert (values[~cut] == values[~cut][:, :1, :1]).all()


def test_without_alpha_nothing_is_mixed():
    images, targets = mix(jax.random.key(0), IMAGES, TARGETS, mixup=0.0, cutmix=0.0)
    assert images is IMAGES and targets is TARGETS


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(smoothing):
    logits = np.random.default_rng(2).normal(size=(8, 8)).astype(np.float32)
    labels, loss = np.arange(8), jax.jit(cross_entropy, static_argnums=2)
    plain, mirrored = (np.asarray(loss(logits, order, smoothing)) for order in (labels, labels[::-1]))
    mixed = loss(logits, 0.7 * TARGETS + 0.3 * TARGETS[::-1], smoothing)
    np.testing.assert_allclose(mixed, 0.7 * plain + 0.3 * mirrored, rtol=1e-5)


class Linear(Network):
    """A classifier of pixels."""

    @nn.compact
    def __call__(self, x, *, train=False):
        return self.classify(x.reshape(len(x), -1), "classifier")


EVERYTHING = Recipe(
    **{"crop": 0.3, "shift": 2, "flip": True, "randaugment": 9.0, "randaugment_std": 0.5, "auto_augment": True},
    **{"trivial_augment": True, "augment_interpolation": "bilinear", "color_jitter": 0.4, "hue_jitter": 0.1},
    **{"lighting": 0.1, "erase": 0.3, "erase_area": 0.33, "erase_noise": True},
    **{"mixup": 0.2, "cutmix": 1.0, "mix_per_image": True},
)
BATCH = {
    "image": np.random.default_rng(1).integers(0, 256, (16, 12, 10, 3), np.uint8),
    "label": np.random.default_rng(1).integers(0, 10, 16).astype(np.int32),
}


def state_with(recipe):
    model = Linear(num_classes=10)
    key, constants = jax.random.key(0), {"mean": (0.5, 0.4, 0.3), "std": (0.3, 0.2, 0.1)}
    make = partial(create_state, model, optax.sgd(0.1), recipe=recipe, **constants)
    return jax.jit(make)(drawn(model, (12, 10, 3)), key)


def test_the_step_trains_on_mixtures_and_counts_the_class_with_the_larger_share():
    state = state_with(Recipe(mixup=2.0))

    @jax.jit
    def mixed(state):
        images, targets = prepare_batch(state, jax.random.fold_in(state.key, 0), BATCH)
        logits = state.model.apply({"params": state.params}, images)
        return targets, logits, -(targets * jax.nn.log_softmax(logits)).sum(-1).mean()

    targets, logits, expected = map(np.asarray, mixed(state))
    _, metrics = jax.jit(train_step)(state, BATCH)
    np.testing.assert_allclose(metrics["loss"], expected, rtol=1e-5)
    share = float(targets.max(-1).min())
    larger = (
        BATCH["label"] if np.allclose(targets[np.arange(16), BATCH["label"]].min(), share) else BATCH["label"][::-1]
    )
    np.testing.assert_allclose(metrics["accuracy"], (logits.argmax(-1) == larger).mean())


@pytest.mark.slow
def test_all_of_it_is_the_same_on_any_number_of_devices():
    state = state_with(EVERYTHING)
    single, metrics = jax.jit(train_step)(state, BATCH)
    again, _ = jax.jit(train_step)(state, BATCH)
    jax.tree.map(np.testing.assert_array_equal, single.params, again.params)

    mesh = data_mesh(16)
    spread = jax.device_put(jax.tree.map(jnp.copy, state), replicated(mesh))
    parts = shard_batch(BATCH, mesh)
    step = jax.jit(train_step).lower(spread, parts).compile()
    sharded, sharded_metrics = step(spread, parts)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), sharded.params, single.params)
    np.testing.assert_allclose(sharded_metrics["loss"], metrics["loss"], rtol=1e-5)

    # No device has all images, in whatever shape: 16 x 360 values.
    program = step.as_text()
    shapes = {tuple(map(int, shape.split(","))) for shape in re.findall(r"[su8f32]+\[([\d,]+)\]", program)}
    sizes = {math.prod(shape) for shape in shapes}
    assert 4 * 360 in sizes and max(sizes) < 16 * 360


def test_pmap_takes_it_too():
    state = state_with(Recipe(crop=0.3, trivial_augment=True, mixup=0.2))
    stacked = jax.jit(lambda state: jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), state))(state)
    parts = jax.tree.map(lambda leaf: leaf.reshape(4, -1, *leaf.shape[1:]), BATCH)
    mapped, metrics = jax.pmap(train_step, axis_name="data")(stacked, parts)
    assert np.isfinite(metrics["loss"]).all()
    for leaf in jax.tree.leaves(mapped.params):
        np.testing.assert_array_equal(leaf, np.stack([np.asarray(leaf)[0]] * 4))


def test_the_recipe_says_what_is_mixed():
    assert EVERYTHING.mixes_images and not Recipe().mixes_images
    with pytest.raises(zoo.ZooError, match=r"mixup is -0.1: it must be a float32 number from 0 to 1000"):
        Recipe(mixup=-0.1)
    with pytest.raises(zoo.ZooError, match=r"cutmix is -1.0: it must be a float32 number from 0 to 1000"):
        Recipe(cutmix=-1.0)


def test_with_per_image_each_image_has_a_share_of_its_own():
    images, targets = mix(jax.random.key(1), IMAGES, TARGETS, **BOTH, per_image=True)
    own = np.diagonal(targets)
    assert len(np.unique(own)) > 4
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    cuts = 0
    for image, before, partner, share in zip(images, IMAGES, IMAGES[::-1], own, strict=True):
        if (image == before).any():
            cuts += 1
            np.testing.assert_allclose(np.asarray(image == before).all(-1).mean(), share, atol=1e-6)
        else:
            np.testing.assert_allclose(image, share * before + (1 - share) * partner, atol=1e-5)
    assert 0 < cuts < 8
