"""All of JAX's ways to differentiate, through the operations with a custom transpose."""

from functools import cache, partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec
from one_program import in_one_program

from zoo.kernels.depthwise import depthwise_conv
from zoo.kernels.dilated_conv import dilated_conv
from zoo.kernels.max_pool import sliding_max
from zoo.kernels.relu import keeping_output

RNG = np.random.default_rng(0)
X, KERNEL = RNG.normal(size=(2, 7, 6, 3)), RNG.normal(size=(3, 3, 1, 3))
PADS = ((1, 1), (0, 1))


def pool(x, stride=(2, 2)):
    return sliding_max(x, (3, 3), stride, PADS)


def reference_pool(x, stride=(2, 2)):
    padded = jnp.pad(x, ((0, 0), *PADS, (0, 0)), constant_values=-jnp.inf)
    rows, columns = ((n - 3) // s + 1 for n, s in zip(padded.shape[1:3], stride, strict=True))
    windows = [
        padded[:, i : i + stride[0] * (rows - 1) + 1 : stride[0], j : j + stride[1] * (columns - 1) + 1 : stride[1]]
        for i in range(3)
        for j in range(3)
    ]
    return jnp.max(jnp.stack(windows), axis=0)


def conv(x, kernel=KERNEL):
    return depthwise_conv(x, kernel, (2, 1), PADS)


def reference_conv(x, kernel=KERNEL):
    return jax.lax.conv_general_dilated(
        x, jnp.asarray(kernel), (2, 1), PADS, dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=3
    )


def conv_of_kernel(kernel):
    return conv(jnp.asarray(X, kernel.dtype), jnp.tile(kernel, (1, 1, 1, 3)))


def reference_conv_of_kernel(kernel):
    return reference_conv(jnp.asarray(X, kernel.dtype), jnp.tile(kernel, (1, 1, 1, 3)))


# Of images and kernel, one made of the other.
def dilated_conv_of_itself(x):
    return dilated_conv(x, jnp.tile(x[0, :3, :3, :, None], (1, 1, 1, 2)), (1, 1), PADS, (2, 2), 1)


def reference_dilated_conv_of_itself(x):
    kernel = jnp.tile(x[0, :3, :3, :, None], (1, 1, 1, 2))
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), PADS, rhs_dilation=(2, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


FUNCTIONS = {
    "pool": (pool, reference_pool, X),
    "pool of stride 1": (partial(pool, stride=(1, 1)), partial(reference_pool, stride=(1, 1)), X),
    "convolution": (conv, reference_conv, X),
    "convolution of its kernel": (conv_of_kernel, reference_conv_of_kernel, KERNEL[..., :1]),
    "dilated convolution": (dilated_conv_of_itself, reference_dilated_conv_of_itself, X),
    "relu": (keeping_output(nn.relu), nn.relu, X),
}


CONVOLUTIONS = {
    "depthwise": (partial(depthwise_conv, stride=(2, 1), pads=PADS), KERNEL),
    "dilated": (partial(dilated_conv, stride=(1, 1), pads=PADS, dilation=(2, 2), groups=3), KERNEL),
    "dilated, of one phase": (partial(dilated_conv, stride=(2, 4), pads=PADS, dilation=(2, 2), groups=3), KERNEL),
}


def loss(function, x):
    return (jnp.sin(function(x)) ** 2).sum()


def hessian_vector_product(function, x, along):
    return jax.jvp(jax.grad(partial(loss, function)), (x,), (along,))[1]


def reverse_over_reverse(function, x, along):
    return jax.grad(lambda x: (jax.grad(partial(loss, function))(x) * along).sum())(x)


def forward_over_forward(function, x, along):
    return jax.jvp(lambda x: jax.jvp(function, (x,), (along,))[1], (x,), (along,))[1]


TRANSFORMS = {
    "forward": lambda function, x, along: jax.jvp(function, (x,), (along,))[1],
    "reverse": lambda function, x, along: jax.grad(partial(loss, function))(x),
    "forward over reverse": hessian_vector_product,
    "reverse over reverse": reverse_over_reverse,
    "forward over forward": forward_over_forward,
    "remat": lambda function, x, along: jax.grad(partial(loss, jax.checkpoint(function)))(x),
    "linearize": lambda function, x, along: jax.linearize(function, x)[1](along),
    "per-example gradient": lambda function, x, along: jax.vmap(jax.grad(partial(loss, function)))(
        jnp.stack([x, along])
    ),
    "batch of tangents": lambda function, x, along: jax.vmap(lambda v: jax.jvp(function, (x,), (v,))[1])(
        jnp.stack([along, x])
    ),
}


@cache
def derivatives():
    """Of each function and transform: ours and those of the reference."""
    found, expected = {}, {}
    for name, (ours, reference, x) in FUNCTIONS.items():
        along = np.random.default_rng(1).normal(size=x.shape)
        for transform, derivative in TRANSFORMS.items():
            found[name, transform] = (partial(derivative, ours), x, along)
            expected[name, transform] = (partial(derivative, reference), x, along)
    with jax.enable_x64(True):
        return in_one_program(found), in_one_program(expected)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_the_reference(name, transform):
    found, expected = (results[name, transform] for results in derivatives())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_without_jit(name):
    ours, _, x = FUNCTIONS[name]
    with jax.enable_x64(True):
        found = jax.grad(partial(loss, ours))(jnp.asarray(x))
    np.testing.assert_allclose(found, derivatives()[1][name, "reverse"], rtol=1e-9, atol=1e-9)


def test_gradients_are_summed_over_devices_under_shard_map():
    mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=(AxisType.Auto,))
    x = np.random.default_rng(0).normal(size=(2 * jax.device_count(), 7, 6, 3)).astype(np.float32)
    kernel = KERNEL.astype(np.float32)

    def gradient(kernel, x):
        return jax.grad(lambda x, kernel: loss(pool, conv(x, kernel)), argnums=(0, 1))(x, kernel)

    replicated, split = PartitionSpec(), PartitionSpec("data")
    on_devices = jax.shard_map(gradient, mesh=mesh, in_specs=(replicated, split), out_specs=(split, replicated))
    for ours, expected in zip(jax.jit(on_devices)(kernel, x), jax.jit(gradient)(kernel, x), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_the_backward_pass_keeps_the_images_and_the_kernel_alone(convolution):
    function, kernel = CONVOLUTIONS[convolution]
    pullback = jax.eval_shape(lambda *arrays: jax.vjp(function, *arrays)[1], X, kernel)
    kept = sorted(array.shape for array in jax.tree.leaves(pullback) if array.shape)
    assert kept == sorted([X.shape, kernel.shape])
