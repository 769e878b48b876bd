"""Batch normalisation against Flax's."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.kernels.batch_norm import BatchNorm

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(4, 5, 6, 7))
VARIABLES = {
    "params": {"scale": RNG.uniform(0.5, 2, 7), "bias": RNG.normal(size=7)},
    "batch_stats": {"mean": RNG.normal(size=7), "var": RNG.uniform(0.5, 2, 7)},
}


def ours_and_flax(**fields):
    return [kind(momentum=0.9, epsilon=1e-3, **fields) for kind in (BatchNorm, nn.BatchNorm)]


@pytest.mark.parametrize("fields", [{}, {"use_scale": False}, {"use_bias": False}])
@pytest.mark.parametrize("running", [False, True])
def test_values_statistics_and_gradients_are_those_of_flax(fields, running):
    given = {name: value for name, value in VARIABLES["params"].items() if fields.get(f"use_{name}", True)}

    def run(norm, params, x):
        return norm.apply({**VARIABLES, "params": params}, x, mutable=["batch_stats"])

    with jax.enable_x64(True):
        found = []
        for norm in ours_and_flax(use_running_average=running, dtype=jnp.float64, **fields):
            y, pullback, updated = jax.vjp(lambda params, x, norm=norm: run(norm, params, x), given, X, has_aux=True)
            found.append((y, updated, pullback(jnp.sin(y))))
        # Flax's statistics are float32 even here.
        jax.tree.map(lambda *pair: np.testing.assert_allclose(*pair, rtol=1e-5, atol=1e-5), *found)


def test_variables_are_those_of_flax():
    ours, theirs = (
        jax.eval_shape(norm.init, jax.random.key(0), X) for norm in ours_and_flax(use_running_average=False)
    )
    assert jax.tree.structure(ours) == jax.tree.structure(theirs) and ours == theirs


def test_bfloat16_is_computed_in_float32_and_rounded_once():
    x = jnp.asarray(X, jnp.bfloat16)
    ours, theirs = (norm.apply(VARIABLES, x) for norm in ours_and_flax(use_running_average=True, dtype=jnp.bfloat16))
    assert ours.dtype == jnp.bfloat16
    exact = ours_and_flax(use_running_average=True)[0].apply(VARIABLES, x.astype(jnp.float32))
    np.testing.assert_array_equal(ours, exact.astype(jnp.bfloat16))
    np.testing.assert_allclose(ours.astype(np.float32), theirs.astype(np.float32), rtol=1e-2, atol=1e-2)


def test_the_backward_pass_keeps_only_the_input():
    norm = BatchNorm(use_running_average=False)
    x = jnp.asarray(X, jnp.float32)

    def run(x):
        return norm.apply(VARIABLES, x, mutable=["batch_stats"])[0]

    residuals = jax.vjp(run, x)[1]
    large = {id(leaf) for leaf in jax.tree.leaves(residuals) if getattr(leaf, "shape", ()) == x.shape}
    assert len(large) <= 1
