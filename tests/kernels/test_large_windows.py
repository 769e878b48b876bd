"""Windows of hundreds of pixels: few operations, and the derivatives of plain definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo import layers
from zoo.kernels.sliding_windows import MAX_UNROLLED_TAPS

X = np.random.default_rng(0).normal(size=(1, 9, 10, 2))


def count_equations(jaxpr):
    inner = (
        count_equations(part.jaxpr)
        for equation in jaxpr.eqns
        for part in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda p: hasattr(p, "jaxpr"))
        if hasattr(part, "jaxpr")
    )
    return len(jaxpr.eqns) + sum(inner)


def windows_of(x, window, padding, fill):
    """[b, rows, columns, window, window, c], by indices."""
    x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)), constant_values=fill)
    rows, columns = (np.arange(n - window + 1)[:, None] + np.arange(window) for n in x.shape[1:3])
    return x[:, rows[:, None, :, None], columns[None, :, None, :]]


def kernel(window, *shape):
    return np.random.default_rng(1).normal(size=(window, window, *shape))


def depthwise(x, window, padding):
    return layers.conv(x, kernel(window, 1, 2), padding=padding, groups=2)


def dense(x, window, padding):
    return layers.conv(x, kernel(window, 2, 3), padding=padding)


LAYERS = {  # ours and its definition
    "max_pool": (
        lambda x, window, padding: layers.max_pool(x, window, 1, padding),
        lambda x, window, padding: windows_of(x, window, padding, -jnp.inf).max((3, 4)),
    ),
    "avg_pool": (
        lambda x, window, padding: layers.avg_pool(x, window, 1, padding),
        lambda x, window, padding: windows_of(x, window, padding, 0).mean((3, 4)),
    ),
    "depthwise": (
        depthwise,
        lambda x, window, padding: jnp.einsum(
            "bpqijc,ijc->bpqc", windows_of(x, window, padding, 0), kernel(window, 1, 2)[:, :, 0]
        ),
    ),
    "dense": (
        dense,
        lambda x, window, padding: jnp.einsum(
            "bpqijc,ijcf->bpqf", windows_of(x, window, padding, 0), kernel(window, 2, 3)
        ),
    ),
}


def derivatives(layer, x, window, padding):
    """Value, gradient, forward mode and Hessian-vector product."""

    def loss(x):
        return (jnp.sin(layer(x, window, padding)) ** 2).sum()

    return (
        *jax.jvp(lambda x: layer(x, window, padding), (x,), (jnp.cos(x),)),
        *jax.jvp(jax.grad(loss), (x,), (jnp.cos(x),)),
    )


@pytest.mark.parametrize(("window", "padding"), [(8, 0), pytest.param(17, 8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_of_large_windows(name, window, padding):
    ours, definition = LAYERS[name]
    with jax.enable_x64(True):
        found, expected = (
            jax.jit(derivatives, static_argnums=(0, 2, 3))(f, X, window, padding) for f in (ours, definition)
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("window", [9, 17, 31])
@pytest.mark.parametrize("name", LAYERS)
def test_the_number_of_operations_does_not_grow_with_the_taps(name, window):
    ours, _ = LAYERS[name]
    with jax.enable_x64(True):
        program = jax.make_jaxpr(derivatives, static_argnums=(0, 2, 3))(ours, X, window, window // 2)
    assert window**2 > MAX_UNROLLED_TAPS
    # A max pool has some for each halving of its window.
    assert count_equations(program.jaxpr) < (150 if name != "max_pool" else 80 * np.log2(window) + 50)


def test_the_first_of_equal_values_has_the_gradient():
    x = np.zeros((1, 12, 22, 1), np.float32)
    x[0, 11, [10, 21]] = 1
    np.testing.assert_array_equal(jax.jit(jax.grad(lambda x: layers.max_pool(x, (12, 11)).sum()))(x), x)


@pytest.mark.parametrize(
    ("size", "window", "stride", "pads"),
    [(1, 3, 2, (2, 2)), (1, 2, 5, (3, 3)), (2, 5, 3, (4, 5)), (3, 17, 1, (8, 8)), (1, 3, 2, (2, 0))],
)
def test_windows_that_skip_a_small_image(size, window, stride, pads):
    """Some taps, or all, are over the padding alone; the others need not be neighbours."""
    x, weights = np.ones((1, size, size, 2)), kernel(window, 2, 3)
    with jax.enable_x64(True):
        ours = jax.jit(lambda x: layers.conv(x, weights, stride=stride, padding=(pads, pads)))(x)
        padded = np.pad(x, ((0, 0), pads, pads, (0, 0)))
        starts = range(0, padded.shape[1] - window + 1, stride)
        expected = [
            [np.einsum("ijc,ijcf->f", padded[0, i : i + window, j : j + window], weights) for j in starts]
            for i in starts
        ]
        np.testing.assert_allclose(ours[0], expected, rtol=1e-12, atol=1e-12)
