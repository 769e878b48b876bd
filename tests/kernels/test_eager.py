"""Outside of jit: what was compiled for a layer once is not compiled again."""

import logging
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import pytest
from plain_layers import random

from zoo import layers

X = random(1, 6, 6, 4)


@contextmanager
def logged_compilations():
    """The messages of JAX about what it compiles, collected in a list."""
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())
    logger = logging.getLogger("jax")
    logger.addHandler(handler)
    try:
        with jax.log_compiles(True):
            yield seen
    finally:
        logger.removeHandler(handler)


def compilations(function, *arguments):
    with logged_compilations() as seen:
        jax.block_until_ready(function(*arguments))
    return [message for message in seen if "ompil" in message]


def test_eager_gradients_compile_once():
    """The second gradient of the same pool, outside jit, compiles nothing."""
    gradient = jax.grad(lambda x: layers.max_pool(x, 2).sum())
    x = jnp.ones((1, 4, 4, 2))
    assert compilations(gradient, x)
    assert not compilations(gradient, x)


def conv(*shape, **geometry):
    kernel = random(*shape, seed=1)
    return lambda x: layers.conv(x, kernel, **geometry)


LAYERS = {
    "max_pool": lambda x: layers.max_pool(x, 3, 2, 1),
    "depthwise": conv(3, 3, 1, 4, padding=1, groups=4),
    "max_pool of a large window": lambda x: layers.max_pool(x, 17, 1, 8),
    "avg_pool": lambda x: layers.avg_pool(x, 2, 1, "SAME"),
    "adaptive_avg_pool": lambda x: layers.adaptive_avg_pool(x, 4),
    "local_response_norm": layers.local_response_norm,
    "dense": conv(3, 3, 4, 4),
    "pointwise": conv(1, 1, 4, 4),
    "grouped": conv(3, 3, 2, 4, groups=2),
    "larger than the image": conv(7, 7, 4, 4, padding=3),
}
WAYS = {
    "forward": lambda layer: layer,
    "reverse": lambda layer: jax.grad(lambda x: layer(x).sum()),
    "forward mode": lambda layer: lambda x: jax.jvp(layer, (x,), (x,)),
    "second": lambda layer: jax.grad(lambda x: jax.grad(lambda y: jnp.sin(layer(y)).sum())(x).sum()),
    "batches": lambda layer: jax.vmap(jax.grad(lambda x: layer(x).sum()), in_axes=0),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "depthwise" else [pytest.mark.slow]) for name in LAYERS]
)
def test_a_new_array_of_the_same_shape_compiles_nothing(name):
    for way, transform in WAYS.items():
        x = X[None] if way == "batches" else X
        for attempt in range(3):
            # Another function object each time, as where a user writes the gradient inside of a loop.
            found = compilations(transform(lambda x: LAYERS[name](x)), jnp.asarray(x + attempt))
            assert attempt == 0 or not found, (way, found)
