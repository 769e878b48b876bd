"""Every way that JAX differentiates, through the operations whose backward pass is our own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from zoo.kernels.depthwise import depthwise_conv
from zoo.kernels.max_pool import max_pool

RNG = np.random.default_rng(0)
X, KERNEL = RNG.normal(size=(2, 7, 6, 3)), RNG.normal(size=(3, 3, 1, 3))
PADS = ((1, 1), (0, 1))


def pooled(x, stride=(2, 2)):
    return max_pool(x, (3, 3), stride, PADS)


def pooled_plainly(x, stride=(2, 2)):
    padded = jnp.pad(x, ((0, 0), *PADS, (0, 0)), constant_values=-jnp.inf)
    rows, columns = ((n - 3) // s + 1 for n, s in zip(padded.shape[1:3], stride, strict=True))
    windows = [
        padded[:, i : i + stride[0] * (rows - 1) + 1 : stride[0], j : j + stride[1] * (columns - 1) + 1 : stride[1]]
        for i in range(3)
        for j in range(3)
    ]
    return jnp.max(jnp.stack(windows), axis=0)


def convolved(x, kernel=KERNEL):
    return depthwise_conv(x, kernel, (2, 1), PADS)


def convolved_plainly(x, kernel=KERNEL):
    return jax.lax.conv_general_dilated(
        x, jnp.asarray(kernel), (2, 1), PADS, dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=3
    )


def of_kernel(kernel):
    return convolved(jnp.asarray(X, kernel.dtype), jnp.tile(kernel, (1, 1, 1, 3)))


def of_kernel_plainly(kernel):
    return convolved_plainly(jnp.asarray(X, kernel.dtype), jnp.tile(kernel, (1, 1, 1, 3)))


PAIRS = {
    "pool": (pooled, pooled_plainly, X),
    "pool of stride 1": (partial(pooled, stride=(1, 1)), partial(pooled_plainly, stride=(1, 1)), X),
    "convolution": (convolved, convolved_plainly, X),
    "its kernel": (of_kernel, of_kernel_plainly, KERNEL[..., :1]),
}


def loss(function, x):
    return (jnp.sin(function(x)) ** 2).sum()


def hessian_vector(function, x, along):
    return jax.jvp(jax.grad(partial(loss, function)), (x,), (along,))[1]


def reverse_over_reverse(function, x, along):
    return jax.grad(lambda x: (jax.grad(partial(loss, function))(x) * along).sum())(x)


def forward_of_forward(function, x, along):
    return jax.jvp(lambda x: jax.jvp(function, (x,), (along,))[1], (x,), (along,))[1]


WAYS = {
    "forward": lambda function, x, along: jax.jvp(function, (x,), (along,))[1],
    "reverse": lambda function, x, along: jax.grad(partial(loss, function))(x),
    "forward over reverse": hessian_vector,
    "reverse over reverse": reverse_over_reverse,
    "forward over forward": forward_of_forward,
    "remat": lambda function, x, along: jax.grad(partial(loss, jax.checkpoint(function)))(x),
    "linearize": lambda function, x, along: jax.linearize(function, x)[1](along),
    "each example": lambda function, x, along: jax.vmap(jax.grad(partial(loss, function)))(jnp.stack([x, along])),
    "many directions": lambda function, x, along: jax.vmap(lambda v: jax.jvp(function, (x,), (v,))[1])(
        jnp.stack([along, x])
    ),
    "jit": jax.jit(hessian_vector, static_argnums=0),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pair", PAIRS)
def test_derivatives_are_those_of_the_plain_function(pair, way):
    ours, plain, at = PAIRS[pair]
    with jax.enable_x64(True):
        along = np.random.default_rng(1).normal(size=at.shape)
        found, expected = (WAYS[way](function, jnp.asarray(at), along) for function in (ours, plain))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_gradients_are_summed_over_devices_under_shard_map():
    mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=(AxisType.Auto,))
    x = np.random.default_rng(0).normal(size=(2 * jax.device_count(), 7, 6, 3)).astype(np.float32)
    kernel = KERNEL.astype(np.float32)

    def gradient(kernel, x):
        return jax.grad(lambda *given: loss(pooled, convolved(*given)), argnums=(0, 1))(x, kernel)

    whole, part = PartitionSpec(), PartitionSpec("data")
    split = jax.shard_map(gradient, mesh=mesh, in_specs=(whole, part), out_specs=(part, whole))
    for ours, expected in zip(jax.jit(split)(kernel, x), gradient(kernel, x), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)
