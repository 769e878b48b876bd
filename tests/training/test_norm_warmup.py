"""Running statistics of batch norm in short runs, against the recursion written plainly in NumPy."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from zoo.layers import BatchNorm, batch_norm, global_avg_pool
from zoo.training import Recipe, create_state, train_step
from zoo.training.norm_warmup import warmed_up_decay

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


class Normalised(nn.Module):
    """A batch norm of the input, whose statistics depend on the images alone, and one behind a layer."""

    make_norm: object
    num_classes: int = 4
    block: type[nn.Module] | None = None
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x, *, train=False):
        x = self.make_norm(train, "norm")(x)
        x = (self.block or Behind)(self.make_norm, name="block")(x, train)
        return nn.Dense(self.num_classes, name="head")(global_avg_pool(x))


class Behind(nn.Module):
    make_norm: object

    @nn.compact
    def __call__(self, x, train):
        return self.make_norm(train, "norm")(nn.relu(x))


REMATERIALISED = nn.remat(Behind, static_argnums=(2,))
COMPILED = nn.jit(Behind, static_argnums=(2,))


def ours(momentum):
    return lambda train, name: batch_norm(train=train, name=name, momentum=momentum)


def flax_own(momentum):
    return lambda train, name: nn.BatchNorm(use_running_average=not train, momentum=momentum, name=name)


def batches(steps, size=6):
    rng = np.random.default_rng(0)
    # Another mean in each step, as in a network that learns.
    return [
        {
            "image": rng.integers(10 * step % 200, 256, (size, 5, 5, 3), np.uint8),
            "label": rng.integers(0, 4, size).astype(np.int32),
        }
        for step in range(steps)
    ]


def trained(model, steps, recipe=None, optimizer=None):
    # One program: layer by layer takes longer to compile.
    @jax.jit
    def make(key, images):
        chosen = optimizer or optax.sgd(0.1)
        constants = {"mean": MEAN, "std": STD, "recipe": recipe or Recipe()}
        return create_state(model, chosen, model.init(key, images), jax.random.key(1), **constants)

    state = make(jax.random.key(0), np.zeros((1, 5, 5, 3), np.float32))
    step = jax.jit(train_step)
    for batch in batches(steps):
        state, _ = step(state, batch)
    return state


def plain_statistics(steps, momentum_of):
    """Mean and variance after these steps, in float64; the variance is the biased one, over all values of a batch."""
    mean, variance = np.zeros(3), np.ones(3)
    for n, batch in enumerate(batches(steps)):
        x = (batch["image"].astype(np.float64) / 255 - MEAN) / STD
        momentum = momentum_of(n)
        mean = momentum * mean + (1 - momentum) * x.mean((0, 1, 2))
        variance = momentum * variance + (1 - momentum) * ((x - x.mean((0, 1, 2))) ** 2).mean((0, 1, 2))
    return mean, variance


@pytest.mark.parametrize(
    ("make_norm", "momentum", "steps"), [(ours, 0.9997, 12), (ours, 0.3, 12), (flax_own, 0.99, 12), (flax_own, 0.99, 1)]
)
def test_statistics_are_those_of_the_recursion(make_norm, momentum, steps):
    stats = trained(Normalised(make_norm(momentum)), steps).batch_stats["norm"]
    mean, variance = plain_statistics(steps, lambda n: min(momentum, (1 + n) / (10 + n)))
    np.testing.assert_allclose(stats["mean"], mean, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(stats["var"], variance, rtol=2e-5)


def test_the_constant_alone_without_warmup():
    stats = trained(Normalised(ours(0.9)), 5, Recipe(batch_norm_warmup=False)).batch_stats["norm"]
    mean, variance = plain_statistics(5, lambda n: 0.9)
    np.testing.assert_allclose(stats["mean"], mean, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(stats["var"], variance, rtol=2e-5)


@pytest.mark.parametrize(
    ("warmup", "momentum_of"), [(False, lambda n: 0.6), (True, lambda n: min(0.6, (1 + n) / (10 + n)))]
)
def test_the_momentum_of_the_recipe_is_in_place_of_the_networks(warmup, momentum_of):
    recipe = Recipe(batch_norm_warmup=warmup, batch_norm_momentum=0.6)
    stats = trained(Normalised(ours(0.99)), 12, recipe).batch_stats["norm"]
    mean, variance = plain_statistics(12, momentum_of)
    np.testing.assert_allclose(stats["mean"], mean, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(stats["var"], variance, rtol=2e-5)


@pytest.mark.parametrize("momentum", [0.9, 0.99, 0.9997])
def test_the_constant_of_the_network_after_the_warmup(momentum):
    last = round((10 * momentum - 1) / (1 - momentum))
    assert warmed_up_decay(momentum, jnp.int32(last - 2)) < np.float32(momentum)
    assert warmed_up_decay(momentum, jnp.int32(last + 2)) == np.float32(momentum)
    assert warmed_up_decay(momentum, jnp.int32(0)) == np.float32(0.1)


def test_every_step_counts_where_gradients_are_accumulated():
    optimizer = optax.MultiSteps(optax.sgd(0.1), 4).gradient_transformation()
    stats = trained(Normalised(ours(0.9997)), 10, Recipe(accumulate=4), optimizer).batch_stats["norm"]
    mean, _ = plain_statistics(10, lambda n: (1 + n) / (10 + n))
    np.testing.assert_allclose(stats["mean"], mean, rtol=2e-5, atol=1e-6)


def test_constants_stay():
    """A momentum of 1 asks for statistics that never change."""
    stats = trained(Normalised(flax_own(1.0)), 3).batch_stats["norm"]
    np.testing.assert_array_equal(stats["mean"], np.zeros(3))
    np.testing.assert_array_equal(stats["var"], np.ones(3))


def test_statistics_alone_change():
    """Parameters do not depend on running statistics; neither does the tree, also with rematerialised blocks."""
    plain, warm = (trained(Normalised(ours(0.99)), 4, Recipe(batch_norm_warmup=on)) for on in (False, True))
    jax.tree.map(np.testing.assert_array_equal, plain.params, warm.params)
    assert jax.tree.structure(plain.batch_stats) == jax.tree.structure(warm.batch_stats)
    remat = trained(Normalised(ours(0.99), block=REMATERIALISED), 4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), remat.batch_stats, warm.batch_stats)
    assert not np.array_equal(plain.batch_stats["block"]["norm"]["mean"], warm.batch_stats["block"]["norm"]["mean"])


def test_a_trace_that_nn_jit_has_kept_is_not_used():
    """Neither that of a call without warmup, nor that of another step with it."""
    make_norm, (batch,) = ours(0.99), batches(1)
    network, plain = Normalised(make_norm, block=COMPILED), Normalised(make_norm)
    variables = network.init(jax.random.key(0), jnp.zeros((1, 5, 5, 3)))
    network.apply(variables, jnp.zeros(batch["image"].shape), train=True, mutable=["batch_stats", "aux_logits"])
    expected = trained(plain, 2).batch_stats
    for _ in range(2):
        found = trained(network, 2).batch_stats
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found, expected)


def test_a_network_without_batch_norm_is_the_same_program():
    class Plain(nn.Module):
        num_classes: int = 4

        @nn.compact
        def __call__(self, x, *, train=False):
            return nn.Dense(4)(x.mean((1, 2)))

    programs = []
    for on in (False, True):
        variables = Plain().init(jax.random.key(0), jnp.zeros((1, 5, 5, 3)))
        state = create_state(
            Plain(),
            optax.sgd(0.1),
            variables,
            jax.random.key(1),
            mean=MEAN,
            std=STD,
            recipe=Recipe(batch_norm_warmup=on),
        )
        programs.append(str(jax.make_jaxpr(lambda s, b: train_step(s, b)[1])(state, batches(1)[0])))
    assert programs[0] == programs[1]


def test_the_running_variance_is_the_biased_one():
    """As in Flax and Keras; torch's running variance is n / (n - 1) times that of the batch."""
    x = jnp.array(np.random.default_rng(0).normal(size=(2, 1, 1, 3)), jnp.float32)
    norm = BatchNorm(use_running_average=False, momentum=0.0)
    variables = norm.init(jax.random.key(0), x)
    _, updated = norm.apply(variables, x, mutable=["batch_stats"])
    np.testing.assert_allclose(updated["batch_stats"]["var"], np.var(np.asarray(x), (0, 1, 2)), rtol=1e-3)
