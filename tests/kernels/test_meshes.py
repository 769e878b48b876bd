"""Every layer under every way to spread a batch over devices: values and derivatives are those of one device."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from plain_layers import random

from zoo import layers
from zoo.errors import ZooError
from zoo.runtime.mesh import data_axis

COUNT = 2
X, ALONG = random(2 * COUNT, 8, 8, 4), random(2 * COUNT, 8, 8, 4, seed=1)
REPLICATED, SPLIT = PartitionSpec(), PartitionSpec("data")


def xla_conv(x, kernel, stride=1, padding=0, dilation=1, groups=1):
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride,) * 2,
        [(padding,) * 2] * 2,
        rhs_dilation=(dilation,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def xla_max(x, window, stride, padding=0):
    return nn.max_pool(x, (window,) * 2, (stride,) * 2, ((padding,) * 2,) * 2)


def both_convs(**geometry):
    return (
        lambda x, kernel: layers.conv(x, kernel, **geometry),
        lambda x, kernel: xla_conv(x, kernel, **geometry),
    )


# Ours and the reference of JAX or Flax, functions of an image and a kernel; the shape of the kernel.
LAYERS = {
    "max_pool": (lambda x, _: layers.max_pool(x, 3, 2, 1), lambda x, _: xla_max(x, 3, 2, 1), (1,)),
    "max_pool of stride 1": (lambda x, _: layers.max_pool(x, 3, 1), lambda x, _: xla_max(x, 3, 1), (1,)),
    "max_pool of a large window": (lambda x, _: layers.max_pool(x, 8), lambda x, _: xla_max(x, 8, 8), (1,)),
    "avg_pool": (lambda x, _: layers.avg_pool(x, 2), lambda x, _: nn.avg_pool(x, (2, 2), (2, 2)), (1,)),
    "global_avg_pool": (lambda x, _: layers.global_avg_pool(x), lambda x, _: x.mean((1, 2)), (1,)),
    "adaptive_avg_pool": (
        lambda x, _: layers.adaptive_avg_pool(x, 4),
        lambda x, _: nn.avg_pool(x, (2, 2), (2, 2)),
        (1,),
    ),
    "dense": (*both_convs(padding=1), (3, 3, 4, 6)),
    "dilated": (*both_convs(padding=2, dilation=2), (3, 3, 4, 6)),
    "pointwise": (*both_convs(stride=2), (1, 1, 4, 6)),
    "depthwise": (*both_convs(padding=1, stride=2, groups=4), (3, 3, 1, 4)),
    "grouped": (*both_convs(padding=1, groups=2), (3, 3, 2, 6)),
    "larger than the image": (*both_convs(padding=3, stride=2), (9, 9, 4, 2)),
    "batch_norm": (
        lambda x, scale: normalised(layers.batch_norm(train=True), x, scale),
        lambda x, scale: normalised(nn.BatchNorm(False, axis_name=data_axis()), x, scale),
        (4,),
    ),
}
KERNELS = {name: random(*shape, seed=2) for name, (_, _, shape) in LAYERS.items()}


def normalised(norm, x, scale):
    variables = {
        "params": {"scale": scale, "bias": jnp.zeros(4)},
        "batch_stats": {"mean": jnp.zeros(4), "var": jnp.ones(4)},
    }
    return norm.apply(variables, x, mutable=["batch_stats"])[0]


def everything(layer, x, along, kernel):
    """Values, gradients, forward-mode and Hessian-vector product of a layer."""

    def loss(x, kernel):
        return (jnp.sin(layer(x, kernel)) ** 2).sum()

    y, tangent = jax.jvp(layer, (x, kernel), (along, kernel))
    (of_x, of_kernel), (hessian, _) = jax.jvp(jax.grad(loss, argnums=(0, 1)), (x, kernel), (along, 0 * kernel))
    return (y, tangent, of_x, hessian), of_kernel


def of_all_layers(kernels, x, along, which=0):
    found = {name: everything(LAYERS[name][which], x, along, kernel) for name, kernel in kernels.items()}
    return {name: split for name, (split, _) in found.items()}, {
        name: of_kernel for name, (_, of_kernel) in found.items()
    }


def mesh_of(kind):
    return jax.make_mesh((COUNT,), ("data",), axis_types=(kind,), devices=jax.devices()[:COUNT])


def on_a_mesh(kind):
    mesh = mesh_of(kind)
    with jax.set_mesh(mesh):
        split = [jax.device_put(array, NamedSharding(mesh, SPLIT)) for array in (X, ALONG)]
        return jax.jit(of_all_layers)(jax.device_put(KERNELS, NamedSharding(mesh, REPLICATED)), *split)


def under_shard_map():
    on_devices = jax.shard_map(
        of_all_layers,
        mesh=mesh_of(AxisType.Auto),
        in_specs=(REPLICATED, SPLIT, SPLIT),
        out_specs=(SPLIT, REPLICATED),
        check_vma=True,
    )
    return jax.jit(on_devices)(KERNELS, X, ALONG)


def under_pmap():
    split = [array.reshape(COUNT, -1, *array.shape[1:]) for array in (X, ALONG)]

    def on_device(kernels, x, along):
        split, of_kernels = of_all_layers(kernels, x, along)
        return split, jax.lax.psum(of_kernels, "data")

    mapped = jax.pmap(on_device, "data", in_axes=(None, 0, 0), devices=jax.devices()[:COUNT])
    found, of_kernels = mapped(KERNELS, *split)
    joined = jax.tree.map(lambda array: array.reshape(-1, *array.shape[2:]), found)
    return joined, jax.tree.map(lambda array: array[0], of_kernels)


CONTEXTS = {
    "one device": lambda: jax.jit(of_all_layers)(KERNELS, X, ALONG),
    "mesh with Explicit axes": partial(on_a_mesh, AxisType.Explicit),
    "mesh with Auto axes": partial(on_a_mesh, AxisType.Auto),
    "shard_map": under_shard_map,
    "pmap": under_pmap,
}
SLOW_CONTEXTS = {"mesh with Auto axes", "pmap"}


@pytest.fixture(scope="module")
def reference():
    return jax.jit(partial(of_all_layers, which=1))(KERNELS, X, ALONG)


# The training tests use a mesh with Auto axes.
@pytest.mark.parametrize(
    "context", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW_CONTEXTS else []) for name in CONTEXTS]
)
def test_layers_are_those_of_jax_and_flax(context, reference):
    found = CONTEXTS[context]()
    for ours, expected in zip(jax.tree.leaves(found), jax.tree.leaves(reference), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_gradient_on_the_default_mesh():
    """jax.make_mesh makes Explicit axes by default: the gradient of a strided max pool works there, as Flax's does."""
    mesh = mesh_of(AxisType.Explicit)
    kernel = jnp.ones((3, 3, 1, 4))
    with jax.set_mesh(mesh):
        x = jax.device_put(X, NamedSharding(mesh, SPLIT))
        of_pool = jax.jit(jax.grad(lambda x: layers.max_pool(x, 2).sum()))(x)
        of_conv = jax.jit(jax.grad(lambda x: layers.conv(x, kernel, stride=2, padding=1, groups=4).sum()))(x)
    windows = X.reshape(2 * COUNT, 4, 2, 4, 2, 4)
    np.testing.assert_array_equal(of_pool, (windows == windows.max((2, 4), keepdims=True)).reshape(X.shape))
    # Of windows of three at every second pixel, beginning in the padding: even pixels are in one, odd ones in two.
    covered = np.array([1, 2, 1, 2, 1, 2, 1, 1])
    np.testing.assert_array_equal(of_conv, np.broadcast_to(np.outer(covered, covered)[None, :, :, None], X.shape))


@pytest.mark.parametrize("split", ["channels", "features"])
def test_split_channels_are_an_error_with_explicit_axes(split):
    mesh = mesh_of(AxisType.Explicit)
    axes = PartitionSpec(None, None, None, "data")
    with jax.set_mesh(mesh):
        x = jax.device_put(X, NamedSharding(mesh, axes if split == "channels" else REPLICATED))
        kernel = jax.device_put(KERNELS["dense"], NamedSharding(mesh, axes if split == "features" else REPLICATED))
        with pytest.raises(ZooError, match="Auto"):
            layers.conv(x, kernel)
        pooled = layers.max_pool(x, 2)
    np.testing.assert_array_equal(pooled, X.reshape(2 * COUNT, 4, 2, 4, 2, 4).max((2, 4)))


def test_images_that_devices_share():
    """Along Explicit axes: windows are refused, statistics and norms over all pixels or channels are as before."""
    mesh = mesh_of(AxisType.Explicit)
    with jax.set_mesh(mesh):
        x = jax.device_put(X, NamedSharding(mesh, PartitionSpec(None, "data")))
        for layer in (partial(layers.conv, kernel=KERNELS["dense"]), partial(layers.max_pool, window=2)):
            with pytest.raises(ZooError, match="Explicit axes"):
                layer(x)
        with pytest.raises(ZooError, match=r"a pool .* height or width"):
            layers.avg_pool(x, 2)
        ours = jax.jit(partial(normalised, layers.batch_norm(train=True)))(x, KERNELS["batch_norm"])
    expected = (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + 1e-5) * KERNELS["batch_norm"]
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-5)
