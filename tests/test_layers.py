"""Convolution, response normalisation and blocks are compared with their definitions: NumPy loops in float64."""

import itertools
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec
from one_program import in_one_program
from plain_layers import (
    IMAGE,
    assert_close,
    init,
    plain_conv,
    plain_local_response_norm,
    plain_pool,
    random,
)

import zoo
from zoo import geometry, layers
from zoo.runtime.mesh import data_axis

# Convolution

PADDINGS = [0, 1, (2, 1), ((0, 2), (3, 1)), "SAME", "VALID"]
STRIDES = [1, 2, (3, 1)]
WINDOWS = [(1, 1), (3, 3), (2, 5)]
DILATED = {"stride": [1, 2], "dilation": [2, (1, 3)], "padding": [0, ((0, 2), (3, 1)), "SAME"]}
BIAS = random(6, seed=2)


@cache
def convolutions():
    """The results of all cases of the next three tests."""
    x = random(*IMAGE)
    calls = {}
    for window, stride, padding in itertools.product(WINDOWS, STRIDES, PADDINGS):
        layer = partial(layers.conv, stride=stride, padding=padding)
        calls[window, stride, padding] = (layer, x, random(*window, 4, 6, seed=1), BIAS)
    for case in itertools.product(*DILATED.values()):
        layer = partial(layers.conv, **dict(zip(DILATED, case, strict=True)))
        calls["dilated", *case] = (layer, x, random(3, 3, 4, 5, seed=1))
    for groups in (1, 2, 4):
        kernel = random(3, 3, 4 // groups, 8, seed=1)
        calls["grouped", groups] = (partial(layers.conv, padding=1, groups=groups), x, kernel)
    return in_one_program(calls)


@pytest.mark.parametrize("padding", PADDINGS, ids=str)
@pytest.mark.parametrize("stride", STRIDES, ids=str)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_conv(window, stride, padding):
    ours = convolutions()[window, stride, padding]
    kernel = random(*window, 4, 6, seed=1)
    assert_close(ours, plain_conv(random(*IMAGE), kernel, BIAS, stride=stride, padding=padding))
    assert geometry.output_size(IMAGE[1:3], window, stride, padding) == ours.shape[1:3]


@pytest.mark.parametrize("padding", DILATED["padding"], ids=str)
@pytest.mark.parametrize("dilation", DILATED["dilation"], ids=str)
@pytest.mark.parametrize("stride", DILATED["stride"], ids=str)
def test_dilated_conv(stride, dilation, padding):
    ours = convolutions()["dilated", stride, dilation, padding]
    kernel = random(3, 3, 4, 5, seed=1)
    assert_close(ours, plain_conv(random(*IMAGE), kernel, stride=stride, padding=padding, dilation=dilation))
    assert geometry.output_size(IMAGE[1:3], 3, stride, padding, dilation) == ours.shape[1:3]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_conv(groups):
    kernel = random(3, 3, 4 // groups, 8, seed=1)
    assert_close(convolutions()["grouped", groups], plain_conv(random(*IMAGE), kernel, padding=1, groups=groups))


@pytest.mark.parametrize("use_bias", [True, False])
def test_conv_module_is_the_function_with_parameters(use_bias):
    module = layers.Conv(6, (3, 2), (2, 1), padding=1, dilation=(1, 2), groups=2, use_bias=use_bias)
    x = random(*IMAGE)
    params = init(module, x)["params"]
    assert jax.tree.map(jnp.shape, params) == {"kernel": (3, 2, 2, 6)} | ({"bias": (6,)} if use_bias else {})
    kernel, bias = np.asarray(params["kernel"]), np.asarray(params.get("bias", 0.0))
    plain = plain_conv(x, kernel, bias, stride=(2, 1), padding=1, dilation=(1, 2), groups=2)
    assert_close(jax.jit(module.apply)({"params": params}, x), plain)


def test_conv_computes_in_its_dtype_and_keeps_float32_parameters():
    module = layers.Conv(3, 3, dtype=jnp.bfloat16)
    variables = init(module, random(*IMAGE))
    y = jax.eval_shape(module.apply, variables, random(*IMAGE))
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("features", [6, 5], ids=["channels", "features"])
def test_groups_that_do_not_divide_the_channels_are_an_error(features):
    groups = {6: 3, 5: 2}[features]
    with pytest.raises(zoo.ZooError, match=rf"\b4 channels.*\b{features} features.*\b{groups} groups"):
        layers.Conv(features, 3, groups=groups).init(jax.random.key(0), random(*IMAGE))


# Local response normalisation


@pytest.mark.parametrize(
    "constants",
    [{}, {"alpha": 1e-4 / 5, "k": 1.0}, {"size": 3, "alpha": 0.5, "beta": 0.6}, {"size": 9, "alpha": 1.0, "k": 0.5}],
    ids=["paper", "caffe", "3", "9"],
)
def test_local_response_norm(constants):
    x = 10 * random(2, 3, 4, 7)
    of_paper = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0} | constants
    plain = plain_local_response_norm(x, *(of_paper[name] for name in ("size", "alpha", "beta", "k")))
    assert_close(jax.jit(partial(layers.local_response_norm, **constants))(x), plain)


def test_local_response_norm_keeps_the_dtype():
    x = random(*IMAGE)
    norm = jax.jit(layers.local_response_norm)
    half = norm(x.astype(jnp.bfloat16))
    assert half.dtype == jnp.bfloat16
    assert_close(np.asarray(half, np.float32), np.asarray(norm(x)), rtol=0.03)


# Blocks


@pytest.mark.parametrize(
    ("fields", "conv_parameters", "children"),
    [
        ({}, {"kernel", "bias"}, {"conv"}),
        ({"use_bias": False}, {"kernel"}, {"conv"}),
        ({"norm": layers.batch_norm}, {"kernel"}, {"conv", "bn"}),
        ({"norm": layers.batch_norm, "use_bias": True}, {"kernel", "bias"}, {"conv", "bn"}),
    ],
    ids=["plain", "no_bias", "norm", "norm_and_bias"],
)
def test_conv_block_has_a_bias_by_default_only_without_norm(fields, conv_parameters, children):
    params = init(layers.ConvBlock(5, 3, **fields), random(*IMAGE))["params"]
    assert set(params) == children
    assert set(params["conv"]) == conv_parameters


def norm_variables(channels):
    """Variables of a batch norm that are not the initial ones."""
    params = {"scale": random(channels, seed=1), "bias": random(channels, seed=2)}
    statistics = {"mean": random(channels, seed=3), "var": 1 + random(channels, seed=4) ** 2}
    return {"params": params, "batch_stats": statistics}


def normalised(x, mean, var, params, epsilon=1e-5):
    return (x - mean) / np.sqrt(var + epsilon) * params["scale"] + params["bias"]


def test_a_norm_may_have_no_variables():
    def halve(*, train, dtype, name):
        return lambda x: x / 2

    block = layers.ConvBlock(4, 3, norm=halve, act=None)
    x = random(2, 8, 8, 3)
    variables = init(block, x)
    expected = layers.conv(x, variables["params"]["conv"]["kernel"]) / 2
    np.testing.assert_array_equal(block.apply(variables, x), expected)


def test_conv_block_is_convolution_then_norm_then_activation():
    x, kernel = random(*IMAGE), random(3, 3, 4, 5, seed=1)
    norm = norm_variables(5)
    variables = {
        "params": {"conv": {"kernel": kernel}, "bn": norm["params"]},
        "batch_stats": {"bn": norm["batch_stats"]},
    }
    block = layers.ConvBlock(5, 3, 2, 1, norm=layers.batch_norm, act=jnp.tanh)
    y = plain_conv(x, kernel, stride=2, padding=1)
    assert_close(
        jax.jit(block.apply)(variables, x), np.tanh(normalised(y, *norm["batch_stats"].values(), norm["params"]))
    )


def test_batch_norm_uses_the_running_statistics_unless_train():
    x = random(*IMAGE)
    variables = norm_variables(x.shape[-1])
    # A frozen backbone needs this: the result must not depend on whether the collection is mutable.
    norm = layers.batch_norm(train=False)
    y, updated = jax.jit(partial(norm.apply, mutable=["batch_stats"]))(variables, x)
    assert_close(y, normalised(x, *variables["batch_stats"].values(), variables["params"]))
    jax.tree.map(
        np.testing.assert_array_equal, updated.get("batch_stats", variables["batch_stats"]), variables["batch_stats"]
    )


def test_batch_norm_uses_and_averages_the_statistics_of_the_batch_in_training():
    x = random(*IMAGE).astype(np.float64)
    variables = norm_variables(x.shape[-1])
    norm = layers.batch_norm(train=True, momentum=0.9, epsilon=1e-3)
    y, updated = jax.jit(partial(norm.apply, mutable=["batch_stats"]))(variables, x)
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    assert_close(y, normalised(x, mean, var, variables["params"], epsilon=1e-3))
    for name, of_batch in (("mean", mean), ("var", var)):
        assert_close(updated["batch_stats"][name], 0.9 * variables["batch_stats"][name] + 0.1 * of_batch)


def test_batch_norm_without_scale():
    variables = init(layers.batch_norm(train=False, use_scale=False), random(*IMAGE))
    assert set(variables["params"]) == {"bias"}


# Inception module 3a of GoogLeNet


def parameter_count(module, x):
    params = jax.eval_shape(module.init, jax.random.key(0), x)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_inception_3a_has_the_parameters_of_the_paper():
    x = jax.ShapeDtypeStruct((1, 28, 28, 192), jnp.float32)
    module = layers.Inception(64, 96, 128, 16, 32, 32)
    assert parameter_count(module, x) == 163_696
    # 163,328 weights and one bias per filter: 64 + 96 + 128 + 16 + 32 + 32.
    weights_only = layers.Inception(64, 96, 128, 16, 32, 32, conv=partial(layers.ConvBlock, use_bias=False))
    assert parameter_count(weights_only, x) == 163_328


@pytest.mark.parametrize("kernel_5x5", [5, 3])
def test_inception_concatenates_its_four_branches(kernel_5x5):
    x = random(2, 6, 7, 8)
    module = layers.Inception(3, 4, 5, 2, 6, 7, kernel_5x5=kernel_5x5)
    params = init(module, x)["params"]
    assert set(params) == {"1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj"}

    def layer(x, name):
        kernel, bias = (np.asarray(params[name]["conv"][leaf]) for leaf in ("kernel", "bias"))
        return np.maximum(plain_conv(x, kernel, bias, padding=kernel.shape[0] // 2), 0)

    branches = [
        layer(x, "1x1"),
        layer(layer(x, "3x3_reduce"), "3x3"),
        layer(layer(x, "5x5_reduce"), "5x5"),
        layer(plain_pool(x, 3, 1, 1), "pool_proj"),
    ]
    assert [branch.shape[-1] for branch in branches] == [3, 5, 6, 7]
    assert params["5x5"]["conv"]["kernel"].shape[:2] == (kernel_5x5, kernel_5x5)
    assert_close(jax.jit(module.apply)({"params": params}, x), np.concatenate(branches, axis=-1))


def test_naive_inception_concatenates_its_filters_and_the_pooled_input():
    x = random(1, 6, 7, 192)
    module = layers.NaiveInception(64, 128, 32)
    variables = init(module, x)
    y = jax.jit(module.apply)(variables, x)
    assert y.shape == (1, 6, 7, 64 + 128 + 32 + 192)
    assert set(variables["params"]) == {"1x1", "3x3", "5x5"}
    assert_close(np.asarray(y)[..., -192:], plain_pool(x, 3, 1, 1))


# Several devices (tests/conftest.py simulates four)


def data_axis_inside(mapped):
    """The results of `data_axis` in a function that `mapped` maps over four devices."""
    results = []

    def function(x):
        results.append(data_axis())
        return x

    mapped(function)(np.zeros((4, 1), np.float32))
    return set(results)


def test_data_axis_is_the_mapped_axis_and_none_elsewhere():
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
    spec = PartitionSpec("data")
    assert data_axis() is None
    assert data_axis_inside(jax.jit) == {None}
    assert data_axis_inside(partial(jax.pmap, axis_name="data")) == {"data"}
    assert data_axis_inside(partial(jax.pmap, axis_name="model")) == {None}
    assert data_axis_inside(partial(jax.shard_map, mesh=mesh, in_specs=spec, out_specs=spec)) == {"data"}
    assert data_axis_inside(lambda f: jax.pmap(jax.jit(f), axis_name="data")) == {"data"}


def test_batch_norm_over_devices_is_batch_norm_of_the_whole_batch():
    x = random(8, 3, 4, 5) + np.arange(8)[:, None, None, None]  # the images of each device have another mean
    variables = norm_variables(x.shape[-1])

    def step(x):
        # As in the networks, the module is made where the mapped axis exists.
        return layers.batch_norm(train=True).apply(variables, x, mutable=["batch_stats"])

    whole, updated = jax.jit(step)(x)
    shared, of_each = jax.pmap(step, axis_name="data")(x.reshape(4, 2, *x.shape[1:]))
    assert_close(shared.reshape(x.shape), np.asarray(whole))
    for device in range(4):
        jax.tree.map(lambda a, b, i=device: assert_close(np.asarray(a)[i], np.asarray(b)), of_each, updated)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_local_response_norm_of_half_precision_is_rounded_once(dtype):
    """The squares of 300 are beyond float16."""
    x = (300 * random(2, 3, 3, 8)).astype(dtype)
    exact = np.asarray(x, np.float64)
    padded = np.pad(exact**2, ((0, 0), (0, 0), (0, 0), (2, 2)))
    exact /= (2 + 1e-4 * sum(padded[..., i : i + 8] for i in range(5))) ** 0.75
    found = jax.jit(layers.local_response_norm)(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(np.asarray(found, np.float64), exact, rtol=1.01 * float(jnp.finfo(dtype).eps) / 2)
