"""Names that users choose mean nothing: pools of the zoo and module calls are recognised by private marks."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from zoo.count import summarize
from zoo.layers import adaptive_avg_pool


class NamedScope(nn.Module):
    """A depthwise convolution in a scope that a user named."""

    label: str

    @nn.compact
    def __call__(self, x):
        w = self.param("w", nn.initializers.ones, (3, 3, 1, 8))
        with jax.named_scope(self.label):
            return jax.lax.conv_general_dilated(
                x, w, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=8
            )


@pytest.mark.parametrize(
    "scope",
    ["max_pool", "avg_pool", "global_avg_pool", "adaptive_avg_pool", "local_response_norm", "zoo_call_0", "zoo_call_x"],
)
def test_a_scope_of_a_user_hides_no_convolution(scope):
    summary = summarize(NamedScope(scope), (1, 16, 16, 8))
    assert summary.macs == 8 * 8 * 9 * 8
    (row,) = summary.rows
    assert (row.operation, row.weights, row.parameters_without_sharing) == ("conv", 72, 64 * 72)


def test_a_function_of_a_user_hides_no_product():
    @jax.jit
    def avg_pool(x, w):
        return jnp.einsum("bhwc,ph,cd->bpwd", x, jnp.ones((2, 8)), w)

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return avg_pool(x, self.param("w", nn.initializers.ones, (3, 5)))

    # Either order of the two products: over the height first, 2 * 8 * 8 * 3 + 2 * 8 * 3 * 5, is what is cheaper.
    assert summarize(Net(), (1, 8, 8, 3)).macs == 2 * 8 * 8 * 3 + 2 * 8 * 3 * 5


def test_products_inside_a_pool_of_the_zoo_do_not_count_in_any_function():
    """`adaptive_avg_pool` averages by matrix products; a function of a user around it is no dense layer."""

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return jax.jit(lambda x: nn.relu(stage(x)))(x)

    @jax.jit
    def stage(x):
        return 2 * adaptive_avg_pool(x, 2)

    assert summarize(Net(), (1, 8, 8, 3)).macs == 0
