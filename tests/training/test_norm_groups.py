"""Batch norm over groups of the batch, against plain NumPy; the collectives that it saves."""

import re
import signal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from short_runs import DATASET, final_state, run, with_recipe

from zoo.errors import ZooError
from zoo.layers import batch_norm, global_avg_pool
from zoo.runtime.mesh import data_mesh, replicated, shard_batch
from zoo.training import PreparedRun, Recipe, create_state, train_step
from zoo.training.check_batch_norms import check_batch_norms
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.compiled_step import compile_from_shapes
from zoo.training.config.unused_settings import check_used
from zoo.training.feed import Streamed
from zoo.training.norm_groups import batch_norm_groups, join_groups
from zoo.training.plan.dry_run import state_shapes
from zoo.training.resolve_config import check_group_size

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (8, 4, 5, 3)).astype(np.float32)
GRADIENT = RNG.normal(size=X.shape).astype(np.float32)
MOMENTUM, EPSILON = 0.8, 1e-3


def ours(name="norm", train=True):
    return batch_norm(train=train, name=name, momentum=MOMENTUM, epsilon=EPSILON)


def flax_own(name="norm", train=True):
    return nn.BatchNorm(use_running_average=not train, momentum=MOMENTUM, epsilon=EPSILON, name=name)


def reference(x, gradient, scale, bias):
    """Output, gradient of the input, and the running statistics after one step, of one group, in float64."""
    x = x.astype(np.float64)
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    normal = (x - mean) / np.sqrt(var + EPSILON)
    g = gradient.astype(np.float64) * scale
    dx = (g - g.mean((0, 1, 2)) - normal * (g * normal).mean((0, 1, 2))) / np.sqrt(var + EPSILON)
    return normal * scale + bias, dx, (1 - MOMENTUM) * mean, MOMENTUM + (1 - MOMENTUM) * var


class Normed(nn.Module):
    """A network of batch norms, plain, called twice, rematerialised and compiled by Flax."""

    make_norm: object
    num_classes: int = 4
    image_shape: tuple = (4, 5, 3)
    dtype: object = jnp.float32

    @nn.compact
    def __call__(self, x, *, train=False):
        x = Block(self.make_norm, name="plain")(x, train)
        shared = self.make_norm("shared", train)
        x = shared(nn.relu(shared(x)))
        x = nn.remat(Block, static_argnums=(2,))(self.make_norm, name="remat")(x, train)
        x = nn.jit(Block, static_argnums=(2,))(self.make_norm, name="jit")(x, train)
        return nn.Dense(self.num_classes, name="head")(global_avg_pool(x))


class Block(nn.Module):
    make_norm: object

    @nn.compact
    def __call__(self, x, train):
        return self.make_norm("norm", train)(nn.relu(x))


@pytest.mark.parametrize("make_norm", [ours, flax_own])
@pytest.mark.parametrize("size", [0, 2, 4, 8])
def test_each_group_is_normalised_by_itself(make_norm, size):
    norm = make_norm(None)
    scale, bias = np.array([0.5, 1, 2], np.float32), np.array([1, 0, -1], np.float32)
    stats = {"mean": np.zeros(3, np.float32), "var": np.ones(3, np.float32)}

    def apply(x):
        with batch_norm_groups(size, 8):
            y, updated = norm.apply(
                {"params": {"scale": scale, "bias": bias}, "batch_stats": stats}, x, mutable=["batch_stats"]
            )
        return y, join_groups(updated["batch_stats"], stats)

    y, pull, updated = jax.vjp(apply, X, has_aux=True)
    groups = 8 // size if size else 1
    parts = zip(np.split(X, groups), np.split(GRADIENT, groups), strict=True)
    expected = [reference(x, gradient, scale, bias) for x, gradient in parts]
    np.testing.assert_allclose(y, np.concatenate([one[0] for one in expected]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(pull(GRADIENT)[0], np.concatenate([one[1] for one in expected]), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(updated["mean"], np.mean([one[2] for one in expected], 0), rtol=1e-4)
    np.testing.assert_allclose(updated["var"], np.mean([one[3] for one in expected], 0), rtol=1e-4)


def state_of(model, recipe, frozen=frozenset()):
    variables = model.init(jax.random.key(0), jnp.zeros((1, 4, 5, 3)))
    return create_state(
        model,
        optax.sgd(0.1),
        variables,
        jax.random.key(1),
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.25, 0.3),
        recipe=recipe,
        frozen=frozen,
    )


BATCH = {
    "image": RNG.integers(0, 256, (8, 4, 5, 3), np.uint8),
    "label": np.arange(8, dtype=np.int32) % 4,
}


@pytest.mark.parametrize("make_norm", [ours, pytest.param(flax_own, marks=pytest.mark.slow)])
def test_a_step_is_the_mean_of_the_steps_of_its_groups(make_norm):
    """As replicas of torch's DistributedDataParallel, which average gradients; here the statistics too."""
    model, recipe = Normed(make_norm), Recipe(bn_group=4, batch_norm_momentum=0.8)
    step = jax.jit(train_step)
    whole, _ = step(state_of(model, recipe), BATCH)
    alone = Recipe(batch_norm_momentum=0.8)
    halves = [
        step(state_of(model, alone), jax.tree.map(lambda array, i=i: array[4 * i : 4 * i + 4], BATCH))[0]
        for i in (0, 1)
    ]
    for name in ("params", "batch_stats"):
        mean = jax.tree.map(lambda *parts: sum(parts) / 2, *(getattr(half, name) for half in halves))
        jax.tree.map(
            lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5),
            getattr(whole, name),
            mean,
        )


def test_frozen_norms_keep_their_statistics_to_the_bit():
    state = state_of(Normed(ours), Recipe(bn_group=2), frozenset({"plain/norm/scale", "plain/norm/bias"}))
    state = state.replace(batch_stats=jax.tree.map(lambda leaf: leaf + 0.3, state.batch_stats))
    after, _ = jax.jit(train_step)(state, BATCH)
    jax.tree.map(np.testing.assert_array_equal, after.batch_stats["plain"], state.batch_stats["plain"])
    assert (after.batch_stats["shared"]["mean"] != state.batch_stats["shared"]["mean"]).any()


@pytest.mark.slow
def test_under_pmap_groups_are_on_one_device():
    state = state_of(Normed(ours), Recipe(bn_group=2, batch_norm_warmup=False))
    expected, _ = jax.jit(train_step)(state, BATCH)
    split = jax.tree.map(lambda array: array.reshape(4, 2, *array.shape[1:]), BATCH)
    replicas = jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), state)
    after, _ = jax.pmap(train_step, axis_name="data")(replicas, split)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours[0], theirs, rtol=1e-4, atol=1e-5),
        after.params,
        expected.params,
    )
    with pytest.raises(ZooError, match="bn_group is 4"):
        jax.pmap(train_step, axis_name="data")(replicas.replace(recipe=Recipe(bn_group=4)), split)


def collectives(recipe):
    """The collectives of the compiled step of the small network on four devices."""
    config = with_recipe(**recipe)
    prepared = PreparedRun(config=config, dataset=DATASET, folder=RunMemory())
    program = compile_from_shapes(state_shapes(prepared), config, 70, data_mesh(16))
    return re.findall(
        r" (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\(", program.as_text()
    )


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("bn_group", [2])
def test_groups_within_a_device_need_no_collective_per_layer(bn_group):
    whole, grouped = (collectives({"bn_group": group, "feed": "streamed"}) for group in (0, bn_group))
    assert set(grouped) == {"all-reduce"}
    # Two batch norms: each needs two forward, and one backward that may be joined with its gradients'.
    assert len(grouped) <= len(whole) - 4


@pytest.mark.slow
@pytest.mark.parametrize("bn_group", [2, 4])
def test_the_number_of_devices_changes_nothing(bn_group):
    """A group of two is on one of four devices, one of four on two."""
    state, step = state_of(Normed(ours), Recipe(bn_group=bn_group)), jax.jit(train_step)
    mesh = data_mesh(8)
    split = step(jax.device_put(state, replicated(mesh)), shard_batch(BATCH, mesh))[0]
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5),
        (split.params, split.batch_stats),
        (lambda one: (one.params, one.batch_stats))(step(state, BATCH)[0]),
    )


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_a_run_in_groups_resumes_to_the_bit(tmp_path, monkeypatch):
    config = with_recipe(bn_group=4, epochs=2)
    run(tmp_path / "whole", config=config)
    with monkeypatch.context() as patched:
        patched.setattr(Streamed, "inputs", stopping(3))
        assert run(tmp_path / "parts", config=config).step == 4
    run(tmp_path / "parts", resume=True)
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "parts"), final_state(tmp_path / "whole"))


def stopping(at, inputs=Streamed.inputs):
    """Streamed.inputs that stops the run at a step, counted from 0."""

    def stop(self, step):
        if step == at:
            signal.raise_signal(signal.SIGTERM)
        return inputs(self, step)

    return stop


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"batch_size": 16, "bn_group": 5}, "divide"), ({"batch_size": 48, "bn_group": 8}, "each device has 12")],
)
def test_groups_that_the_devices_would_share_are_refused(changes, named):
    with pytest.raises(ZooError, match=named):
        check_group_size(Recipe(**changes))
    check_group_size(Recipe(batch_size=48, bn_group=4))
    check_group_size(Recipe(batch_size=48, bn_group=24))


def test_groups_that_have_no_effect_are_refused():
    for recipe, has_batch_norm in ((Recipe(bn_group=64), True), (Recipe(bn_group=8), False)):
        with pytest.raises(ZooError, match="bn_group"):
            check_used(recipe, ["bn_group"], has_batch_norm=has_batch_norm)
    check_used(Recipe(bn_group=8), ["bn_group"])


class One(nn.Module):
    """A network with one layer that normalises."""

    make_norm: object

    @nn.compact
    def __call__(self, x, *, train=False):
        return Block(self.make_norm, name="plain")(x, train)


class OwnNorm(nn.Module):
    """Statistics of the batch that are no nn.BatchNorm's."""

    @nn.compact
    def __call__(self, x):
        self.variable("batch_stats", "mean", jnp.zeros, x.shape[-1:]).value = x.mean((0, 1, 2))
        return x - x.mean((0, 1, 2))


def masked(name, train):
    return lambda x: flax_own(name, train)(x, mask=jnp.ones(x.shape, bool))


@pytest.mark.parametrize(
    ("make_norm", "named"),
    [
        (lambda name, train: OwnNorm(name=name), "OwnNorm|plain/norm"),
        (masked, "mask"),
        (lambda name, train: lambda x: flax_own(name, train)(x.sum(0)), "rows|groups"),
    ],
)
def test_norms_that_cannot_be_split_are_refused_before_the_run(make_norm, named):
    with pytest.raises(ZooError, match=named):
        check_batch_norms(One(make_norm), Recipe(bn_group=2), (4, 5, 3))


def test_a_group_of_one_image_with_one_pixel_is_refused():
    class Head(Normed):
        @nn.compact
        def __call__(self, x, *, train=False):
            return ours("norm", train)(global_avg_pool(x))

    with pytest.raises(ZooError, match="bn_group is 1"):
        check_batch_norms(Head(ours), Recipe(bn_group=1), (4, 5, 3))
    check_batch_norms(Head(ours), Recipe(bn_group=2), (4, 5, 3))
    check_batch_norms(Normed(ours), Recipe(bn_group=2), (4, 5, 3))
