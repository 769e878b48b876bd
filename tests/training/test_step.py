"""The training step: the same update under jit with sharding, under pmap and on one device; the loss; the metrics."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from quick import drawn
from tiny import Tiny

import zoo
from zoo.data.preprocessing import channel_constants, normalize
from zoo.runtime.jit_once import jit_once
from zoo.runtime.mesh import batch_sharding, data_mesh, replicated, shard_batch, split_over
from zoo.training import Recipe, create_state, eval_step, train_step
from zoo.training.step import cross_entropy


def tiny():
    """Batch norm and an auxiliary head, and nothing that is random."""
    return Tiny(num_classes=10, aux_heads=True, dropout=0.0)


def fresh_state(model, image_shape, optimizer=None, **recipe):
    optimizer = optimizer or optax.sgd(0.1, momentum=0.9)
    mean, std = (0.4,) * image_shape[-1], (0.3,) * image_shape[-1]

    @jax.jit
    def make(variables):
        return create_state(model, optimizer, variables, jax.random.key(0), recipe=Recipe(**recipe), mean=mean, std=std)

    return make(drawn(model, image_shape))


def random_batch(size, image_shape, classes=10, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "image": rng.integers(0, 256, (size, *image_shape), np.uint8),
        "label": rng.integers(0, classes, size).astype(np.int32),
    }


MODELS = [
    pytest.param(tiny, (16, 16, 3), id="batch-norm-and-auxiliary-head"),
    pytest.param(
        lambda: zoo.create_model("nin_cifar10", dropout=0.0), (16, 16, 3), id="nin_cifar10", marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize(("make_model", "image_shape"), MODELS)
def test_sharded_pmapped_and_single_device_steps_agree(make_model, image_shape):
    check_steps_agree(make_model(), image_shape)


@pytest.mark.slow
def test_googlenet_bn_steps_agree():
    # In float64: 57 layers of batch statistics over eight noise images turn float32's rounding into 1e-3.
    with jax.enable_x64(True):
        fields = {"aux_heads": True, "dropout": 0.0, "aux_dropout": 0.0, "dtype": jnp.float64}
        check_steps_agree(zoo.create_model("googlenet_bn", num_classes=10, **fields), (32, 32, 1))


def check_steps_agree(model, image_shape):
    devices = jax.device_count()
    assert devices == 4
    state, batch = fresh_state(model, image_shape), random_batch(8, image_shape)

    single, single_metrics = jax.jit(train_step)(state, batch)

    mesh = data_mesh(8)
    # A copy, as `device_put` may share what donation then deletes.
    copied = jax.jit(lambda state: jax.tree.map(jnp.copy, state))(state)
    spread = jax.device_put(copied, replicated(mesh))

    def split_step(state, batch):
        with split_over(mesh):
            return train_step(state, batch)

    sharded, sharded_metrics = jax.jit(split_step, donate_argnums=0)(spread, shard_batch(batch, mesh))

    stacked = jax.jit(lambda state: jax.tree.map(lambda leaf: jnp.stack([leaf] * devices), state))(state)
    parts = jax.tree.map(lambda leaf: leaf.reshape(devices, -1, *leaf.shape[1:]), batch)
    mapped, mapped_metrics = jax.pmap(train_step, axis_name="data")(stacked, parts)

    explicit, explicit_metrics = step_on_the_default_mesh(state, batch)

    for name in ("params", "batch_stats"):
        expected = getattr(single, name)
        for other in (sharded, explicit):
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), getattr(other, name), expected)
        for device in range(devices):
            one = jax.tree.map(lambda leaf, device=device: np.asarray(leaf)[device], getattr(mapped, name))
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), one, expected)
    for name, value in single_metrics.items():
        np.testing.assert_allclose(sharded_metrics[name], value, rtol=1e-4)
        np.testing.assert_allclose(mapped_metrics[name], value, rtol=1e-4)
        np.testing.assert_allclose(explicit_metrics[name], value, rtol=1e-4)


def step_on_the_default_mesh(state, batch):
    """The axes of `jax.make_mesh` are Explicit by default."""
    mesh = jax.make_mesh((jax.device_count(),), ("data",))
    with jax.set_mesh(mesh):
        spread = jax.device_put(state, replicated(mesh))
        return jax.jit(train_step)(spread, jax.device_put(batch, batch_sharding(mesh)))


def test_a_batch_that_devices_cannot_split_is_an_error():
    with pytest.raises(zoo.ZooError, match="a batch of 6 cannot be split over 4 devices: use a multiple of 4"):
        data_mesh(6)


def test_the_loss_adds_auxiliary_heads_at_their_weight():
    model, image_shape = tiny(), (16, 16, 3)
    state, batch = fresh_state(model, image_shape), random_batch(8, image_shape)
    images = (batch["image"] / 255 - 0.4) / 0.3
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    apply = jax.jit(partial(model.apply, train=True, mutable=["batch_stats", "aux_logits"]))
    logits, updated = apply(variables, images)

    def plain_loss(logits):
        logits = np.asarray(logits, np.float64)
        log_sum = np.log(np.exp(logits).sum(-1))
        return (log_sum - logits[np.arange(8), batch["label"]]).mean()

    (aux,) = jax.tree.leaves(updated["aux_logits"])
    for weight in (0.0, 0.3, 1.0):
        _, metrics = jit_once(train_step)(state.replace(recipe=Recipe(aux_weight=weight)), batch)
        np.testing.assert_allclose(metrics["loss"], plain_loss(logits) + weight * plain_loss(aux), rtol=1e-5)
    accuracy = (np.asarray(logits).argmax(-1) == batch["label"]).mean()
    np.testing.assert_allclose(metrics["accuracy"], accuracy)


def test_dropout_differs_from_step_to_step_and_not_from_run_to_run():
    state, batch = fresh_state(Tiny(num_classes=10), (16, 16, 3)), random_batch(8, (16, 16, 3))
    step = jax.jit(train_step)

    def loss(state):
        return float(step(state, batch)[1]["loss"])

    assert loss(state) == loss(state)
    assert loss(state) != loss(state.replace(step=np.int32(1)))


def test_evaluation_counts_unmasked_images_only():
    state, batch = fresh_state(tiny(), (16, 16, 3)), random_batch(8, (16, 16, 3))
    mask = np.arange(8) < 5
    step = jax.jit(eval_step)
    part = step(state, {**batch, "mask": mask})
    whole = step(state, {"image": batch["image"][:5], "label": batch["label"][:5], "mask": mask[:5]})
    assert int(part["images"]) == 5
    assert int(part["correct"]) == int(whole["correct"])
    np.testing.assert_allclose(part["loss"], whole["loss"], rtol=1e-5)


def test_label_smoothing_is_a_mix_with_the_uniform_distribution():
    logits, labels = jax.random.normal(jax.random.key(0), (4, 10)), jnp.arange(4)
    log_p = np.asarray(jax.nn.log_softmax(logits), np.float64)
    plain = -(0.9 * log_p[np.arange(4), labels] + 0.1 * log_p.mean(-1))
    np.testing.assert_allclose(cross_entropy(logits, labels, 0.1), plain, rtol=1e-5)


def test_normalize_scales_pixels_to_0_1_first():
    images = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    np.testing.assert_allclose(normalize(images, (0.2,), (0.5,)).ravel(), [-0.4, 0.0, 1.6], atol=1e-6)
    assert channel_constants((0.1, 0.2, 0.3), 1) == (pytest.approx(0.2),)
    assert channel_constants((0.5,), 3) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("accumulate", "every"), [(1, 1), (2, 1), (2, 3)])
def test_the_moving_average_decays_per_update(accumulate, every):
    optimizer = optax.sgd(0.1)
    if accumulate > 1:
        optimizer = optax.MultiSteps(optimizer, accumulate).gradient_transformation()
    state = fresh_state(tiny(), (16, 16, 1), optimizer, ema=0.4, accumulate=accumulate, ema_every=every)
    expected, step = jax.device_get(state.average), jax.jit(train_step)
    for update in range(6):
        for part in range(accumulate):
            state, _ = step(state, random_batch(4, (16, 16, 1), seed=accumulate * update + part))
        before = update // every
        decay = min(0.4, (1 + before) / (10 + before)) if (update + 1) % every == 0 else 1
        now = jax.device_get(state.variables)
        expected = jax.tree.map(lambda mean, new, d=decay: d * mean + (1 - d) * new, expected, now)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), state.average, expected)


def test_an_update_with_one_value_that_is_not_finite_is_left_out():
    def spoil(updates, chosen, params=None):
        leaves, structure = jax.tree.flatten(updates)
        for i, leaf in enumerate(leaves):
            leaves[i] = jnp.where(chosen == i, leaf.at[(0,) * leaf.ndim].set(jnp.inf), leaf)
        return jax.tree.unflatten(structure, leaves), chosen

    spoiler = optax.GradientTransformation(lambda params: jnp.int32(-1), spoil)
    state, batch = fresh_state(tiny(), (16, 16, 3), spoiler), random_batch(8, (16, 16, 3))
    step, count = jax.jit(train_step), len(jax.tree.leaves(state.params))
    assert step(state, batch)[1]["finite"]
    for chosen in range(count):
        after, metrics = step(state.replace(opt_state=jnp.int32(chosen)), batch)
        assert not metrics["finite"] and np.isfinite(metrics["gradient_norm"])
        jax.tree.map(np.testing.assert_array_equal, after.params, state.params)
