"""The norm that a step tests, and that nothing that is not finite passes it."""

import jax
import numpy as np
import optax
import pytest

from zoo.training.tree_norm import norm_by_shape, tree_norm

RNG = np.random.default_rng(0)
SHAPES = [(3, 3, 2, 4), (4,), (3, 3, 2, 4), (4,), (5,), (2, 3), ()]
LEAVES = [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES]
BOTH = pytest.mark.parametrize("norm", [jax.jit(tree_norm), jax.jit(norm_by_shape)], ids=["cpu", "others"])


@BOTH
def test_the_norm_is_that_of_optax(norm):
    tree = {"a": LEAVES[:3], "b": {"c": LEAVES[3], "d": LEAVES[4:]}}
    exact = np.sqrt(sum((leaf.astype(np.float64) ** 2).sum() for leaf in LEAVES))
    np.testing.assert_allclose(norm(tree), exact, rtol=1e-6)
    np.testing.assert_allclose(norm(tree), optax.tree.norm(tree), rtol=1e-6)


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_it_is_not_finite_where_an_element_of_any_array_is_not(norm, value):
    for index in range(len(LEAVES)):
        spoiled = [leaf.copy() for leaf in LEAVES]
        spoiled[index].flat[-1] = value
        assert not np.isfinite(norm(spoiled))


def test_a_sum_per_shape():
    text = str(jax.make_jaxpr(norm_by_shape)(LEAVES))
    assert text.count("reduce_sum") == len(set(SHAPES))
