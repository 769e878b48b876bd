"""Pools and local response normalisation equal torch's."""

import itertools
from functools import partial

import jax
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from comparison import assert_same, images, to_torch  # noqa: E402

from zoo import geometry, layers  # noqa: E402

pytestmark = pytest.mark.torch

WINDOWS = [
    (window, stride, padding)
    for window, stride, padding in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2))
    if padding <= window // 2  # torch allows no more
]


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pool_sizes(ceil_mode):
    """Output sizes for all small images; a pool that does not fit is an error in both libraries."""
    for size, (window, stride, padding) in itertools.product(range(1, 16), WINDOWS):
        try:
            x = torch.empty(1, 1, size, size + 1, device="meta")
            theirs = tuple(F.max_pool2d(x, window, stride, padding, ceil_mode=ceil_mode).shape[2:])
        except RuntimeError:
            theirs = None
        try:
            ours = geometry.output_size((size, size + 1), window, stride, padding, ceil_mode=ceil_mode)
        except geometry.WindowTooLarge:
            ours = None
        assert ours == theirs, (size, window, stride, padding)


@pytest.mark.parametrize("size", [(5, 6), (7, 8), (9, 13)], ids=str)
def test_pool_values(size):
    x = images(*size, channels=2)

    def all_pools(max_pool, avg_pool, x):
        pools = [max_pool, partial(avg_pool, count_include_pad=True), partial(avg_pool, count_include_pad=False)]
        grid = itertools.product(pools, WINDOWS, (False, True))
        return [pool(x, *window, ceil_mode=ceil_mode) for pool, window, ceil_mode in grid]

    all_of_ours = jax.jit(partial(all_pools, layers.max_pool, layers.avg_pool))(x)  # one compilation
    all_of_theirs = all_pools(F.max_pool2d, F.avg_pool2d, to_torch(x))
    for ours, theirs in zip(all_of_ours, all_of_theirs, strict=True):
        assert_same(ours, theirs, 1e-6)


@pytest.mark.parametrize("size", [1, (3, 5), 4, 7, (6, 11), 16], ids=str)
def test_adaptive_avg_pool(size):
    x = images(7, 14)
    assert_same(layers.adaptive_avg_pool(x, size), F.adaptive_avg_pool2d(to_torch(x), size), 1e-6)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 8])
def test_local_response_norm(size):
    x = images(4, 3, channels=7, scale=100.0)
    # torch divides alpha by the size, the paper does not.
    ours = layers.local_response_norm(x, size=size, alpha=1e-3 / size, beta=0.6, k=1.5)
    assert_same(ours, F.local_response_norm(to_torch(x), size, alpha=1e-3, beta=0.6, k=1.5), 1e-5)
