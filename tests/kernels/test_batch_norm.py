"""Batch normalisation against Flax's."""

import re
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from zoo.errors import ZooError
from zoo.kernels.batch_norm import BatchNorm
from zoo.runtime.mesh import batch_sharding, data_mesh, split_over

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

    @partial(jax.jit, static_argnums=0)
    def run(norm, params, x):
        def apply(params, x):
            return norm.apply({**VARIABLES, "params": params}, x, mutable=["batch_stats"])

        y, pullback, updated = jax.vjp(apply, params, x, has_aux=True)
        return y, updated, pullback(jnp.sin(y))

    with jax.enable_x64(True):
        norms = ours_and_flax(use_running_average=running, dtype=jnp.float64, **fields)
        found = [run(norm, given, X) for norm in norms]
        # Flax's statistics are float32 even here.
        jax.tree.map(lambda *pair: np.testing.assert_allclose(*pair, rtol=1e-5, atol=1e-5), *found)


def test_variables_are_those_of_flax():
    ours, theirs = (
        jax.eval_shape(norm.init, jax.random.key(0), X) for norm in ours_and_flax(use_running_average=False)
    )
    assert jax.tree.structure(ours) == jax.tree.structure(theirs) and ours == theirs


def test_bfloat16_is_computed_in_float32_and_rounded_once():
    x = X.astype(jnp.bfloat16)
    norms = (*ours_and_flax(use_running_average=True, dtype=jnp.bfloat16), ours_and_flax(use_running_average=True)[0])
    images = (x, x, x.astype(np.float32))
    ours, theirs, exact = (
        np.asarray(jax.jit(norm.apply)(VARIABLES, image)) for norm, image in zip(norms, images, strict=True)
    )
    assert (ours.dtype, exact.dtype) == (jnp.bfloat16, np.float32)
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


TWO_CHANNELS = {
    "params": {"scale": np.ones(2, np.float32), "bias": np.zeros(2, np.float32)},
    "batch_stats": {"mean": np.zeros(2, np.float32), "var": np.ones(2, np.float32)},
}


def in_training(x, **fields):
    norm = BatchNorm(use_running_average=False, momentum=0.5, dtype=jnp.float32, **fields)
    return norm.apply(TWO_CHANNELS, x, mutable=["batch_stats"])


compiled = jax.jit(in_training, static_argnames="use_fast_variance")


def assert_normalised(x, run=compiled, rtol=1e-3):
    """y and the updated statistics against float64 NumPy, within the rounding of x itself."""
    y, updated = run(x)
    exact = np.asarray(x, np.float64)
    axes = tuple(range(exact.ndim - 1))
    mean, var = exact.mean(axes), exact.var(axes)
    np.testing.assert_allclose(updated["batch_stats"]["var"], (1 + var) / 2, rtol=rtol)
    np.testing.assert_allclose(updated["batch_stats"]["mean"], mean / 2, rtol=1e-6, atol=1e-5 * np.sqrt(var).max())
    rounding = np.abs(exact).max() * 2**-23 / np.sqrt(var).min()
    np.testing.assert_allclose(y, (exact - mean) / np.sqrt(var + 1e-5), atol=4 * rounding + 1e-4, rtol=rtol)


def shifted(mean, deviation=1.0, shape=(16, 8, 8, 2)):
    return np.random.default_rng(0).normal(mean, deviation, shape).astype(np.float32)


def test_batch_norm_of_a_large_mean():
    y, _ = compiled(shifted(1000))
    assert 0.995 < np.asarray(y).std() < 1.005


@pytest.mark.parametrize("fields", [{}, {"use_fast_variance": False}], ids=["fast", "two_passes"])
@pytest.mark.parametrize(("mean", "deviation"), [(1e3, 1), (-1e4, 1), (1e5, 5), (50, 0.01), (0, 1), (0, 1e-3)])
def test_the_variance_is_right_where_the_mean_is_large(mean, deviation, fields):
    assert_normalised(shifted(mean, deviation), partial(compiled, **fields))


def test_the_variance_is_right_where_the_sampled_pixels_are_unlike_the_others():
    for images, value in ((slice(None), 0), (0, -1e4)):
        x = shifted(1000)
        x[images, 4, 4] = value
        assert_normalised(x)
    x = shifted(1000)
    assert_normalised(x.reshape(-1, 2))
    assert_normalised(x[:1])


def test_the_variance_of_bfloat16_is_that_of_its_values():
    assert_normalised(shifted(300, 2).astype(jnp.bfloat16))


def test_the_gradient_is_right_where_the_mean_is_large():
    x, weights = shifted(1000), np.random.default_rng(1).normal(size=(16, 8, 8, 2)).astype(np.float32)
    ours = jax.jit(jax.grad(lambda x: (in_training(x)[0] * weights).sum()))(x)
    with jax.enable_x64(True):
        flax = nn.BatchNorm(use_running_average=False, use_fast_variance=False, dtype=jnp.float64)

        def loss(x):
            return (flax.apply(TWO_CHANNELS, x, mutable=["batch_stats"])[0] * weights).sum()

        np.testing.assert_allclose(ours, jax.jit(jax.grad(loss))(x.astype(np.float64)), atol=2e-3)


def test_the_variance_is_right_where_the_batch_is_on_several_devices():
    # The mean of each device is another one.
    x = shifted(1000) + 300 * np.repeat(np.arange(4, dtype=np.float32), 4)[:, None, None, None]
    for kind in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh((4,), ("data",), axis_types=(kind,))
        with jax.set_mesh(mesh):
            assert_normalised(jax.device_put(x, NamedSharding(mesh, PartitionSpec("data"))), jax.jit(in_training))

    def of_each_device(x):
        y, updated = jax.pmap(lambda x: in_training(x, axis_name="data"), axis_name="data")(x.reshape(4, 4, 8, 8, 2))
        return y.reshape(x.shape), jax.tree.map(lambda leaf: leaf[3], updated)

    assert_normalised(x, of_each_device)


def test_a_batch_on_several_devices_needs_one_collective_for_its_statistics():
    mesh = data_mesh(16)
    batch = jax.ShapeDtypeStruct((16, 8, 8, 2), jnp.float32, sharding=batch_sharding(mesh))

    def run(x):
        with split_over(mesh):
            return in_training(x)

    text = jax.jit(run).lower(batch).compile().as_text()
    assert len(re.findall(r" all-reduce(-start)?\(", text)) == 1 and "all-gather" not in text


def test_on_several_devices_the_running_mean_keeps_the_variance_right():
    x, mesh = shifted(1e4), data_mesh(16)
    x += np.arange(16, dtype=np.float32)[:, None, None, None]
    norm = BatchNorm(use_running_average=False, momentum=0.5, dtype=jnp.float32)
    stats = {"mean": np.full(2, 9990, np.float32), "var": np.ones(2, np.float32)}

    def run(x):
        with split_over(mesh):
            return norm.apply({**TWO_CHANNELS, "batch_stats": stats}, x, mutable=["batch_stats"])[1]["batch_stats"]

    updated = jax.jit(run)(jax.device_put(x, batch_sharding(mesh)))
    exact = x.astype(np.float64)
    np.testing.assert_allclose(2 * updated["var"] - 1, exact.var((0, 1, 2)), rtol=1e-3)
    np.testing.assert_allclose(2 * updated["mean"] - 9990, exact.mean((0, 1, 2)), rtol=1e-6)


def test_statistics_of_groups_of_devices():
    x = shifted(5).reshape(4, 4, 8, 8, 2) + np.arange(4, dtype=np.float32)[:, None, None, None, None]
    fields = {"axis_name": "data", "axis_index_groups": [[0, 1], [2, 3]]}
    _, updated = jax.pmap(lambda x: in_training(x, **fields), axis_name="data")(x)
    expected = np.asarray(x, np.float64).reshape(2, -1, 2).var(axis=1).repeat(2, axis=0)
    np.testing.assert_allclose(updated["batch_stats"]["var"], (1 + expected) / 2, rtol=1e-4)


def test_batch_norm_says_what_it_takes():
    x = np.ones((2, 3, 4), np.float32)
    refused = ({"axis": 1}, {"axis": (1, 2)}, {"axis": [0]}, {"axis": np.int64(0)}, {"force_float32_reductions": False})
    for fields in (*refused, {"axis_index_groups": [[0, 1]]}, {"dtype": jnp.int8}):
        with pytest.raises(ZooError, match=next(iter(fields))):
            jax.eval_shape(BatchNorm(use_running_average=True, **fields).init, jax.random.key(0), x)
    for axis in (2, (-1,), np.int64(-1)):
        jax.eval_shape(BatchNorm(use_running_average=True, axis=axis).init, jax.random.key(0), x)
    norm = BatchNorm(use_running_average=False)
    with pytest.raises(ZooError, match="mask"):
        jax.eval_shape(norm.init, jax.random.key(0), x, mask=np.ones(x.shape))
    for dtype in (jnp.uint8, jnp.int32, jnp.complex64):
        with pytest.raises(ZooError, match=jnp.dtype(dtype).name):
            jax.eval_shape(norm.init, jax.random.key(0), x.astype(dtype))


def test_the_default_dtype_is_that_of_flax():
    for dtype in (jnp.bfloat16, jnp.float32):
        for fields in ({}, {"use_scale": False, "use_bias": False}, {"param_dtype": jnp.bfloat16}):
            x = np.ones((2, 4), dtype)
            ours, theirs = (
                jax.eval_shape(norm.init_with_output, jax.random.key(0), x)
                for norm in ours_and_flax(use_running_average=True, **fields)
            )
            assert ours == theirs


@pytest.mark.parametrize("shape", [(1, 1, 1, 2), (1, 2), (0, 4, 4, 2)])
def test_one_value_per_channel_has_no_variance(shape):
    norm = BatchNorm(use_running_average=False)
    with pytest.raises(ZooError, match="variance") as error:
        in_training(np.ones(shape, np.float32))
    assert "\n" not in str(error.value)
    x = np.ones(shape, np.float32)
    jax.eval_shape(norm.init, jax.random.key(0), x)  # which uses no statistics
    jax.eval_shape(BatchNorm(use_running_average=True).apply, TWO_CHANNELS, x)
    jax.eval_shape(in_training, np.ones((2, *shape[1:]), np.float32))


def test_one_value_per_device_has_a_variance():
    x = np.arange(8, dtype=np.float32).reshape(4, 1, 2)
    _, updated = jax.pmap(lambda x: in_training(x, axis_name="data"), axis_name="data")(x)
    np.testing.assert_allclose(updated["batch_stats"]["var"], np.full((4, 2), 3.0))
