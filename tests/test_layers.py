"""Every layer against its definition, written as plain NumPy loops in float64."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

import zoo
from zoo import geometry, layers

IMAGE = (2, 7, 10, 4)  # batch, height, width, channel: nothing square, so that no axis can be taken for another


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def init(module, x):
    """A module's variables, random biases too; drawn by NumPy, as compiling JAX's initial values takes a second."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), x)
    leaves, tree = jax.tree.flatten(shapes)
    return tree.unflatten([0.3 * random(*leaf.shape, seed=i).astype(leaf.dtype) for i, leaf in enumerate(leaves)])


def assert_close(ours, reference, rtol=1e-5):
    """Equal shapes, and equal values up to `rtol` of the largest."""
    assert ours.shape == reference.shape
    np.testing.assert_allclose(ours, reference, rtol=0, atol=rtol * np.abs(reference).max())


# The definitions


def as_pair(size):
    return (size, size) if isinstance(size, int) else size


def as_pads(padding, sizes, windows, strides, dilations=(1, 1)):
    """((top, bottom), (left, right)) of anything that may be given as padding."""
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":  # as many windows as strides begin in the image; an odd pixel of padding goes to the end
        pads = []
        for n, w, s, d in zip(sizes, windows, strides, dilations, strict=True):
            count = int(np.ceil(n / s))
            missing = max(0, (count - 1) * s + (w - 1) * d + 1 - n)
            pads.append((int(np.floor(missing / 2)), int(np.ceil(missing / 2))))
        return tuple(pads)
    return tuple(as_pair(p) for p in as_pair(padding))


def window_starts(n, window, stride, low, high, ceil_mode=False):
    """Where the windows of one axis begin; the image is 0 .. n - 1, its padding -low .. n - 1 + high.

    In ceil mode, one more window where some of the padded image is left over, if it begins before the right padding.
    """
    starts = []
    start = -low
    while start + window <= n + high:
        starts.append(start)
        start += stride
    left_over = n + high - (start - stride + window) if starts else n + high - start
    if ceil_mode and left_over > 0 and start < n:
        starts.append(start)
    return starts


def plain_conv(x, kernel, bias=0.0, *, stride=1, padding=0, dilation=1, groups=1):
    x, kernel = x.astype(np.float64), kernel.astype(np.float64)
    (batch, *sizes, channels), (*windows, _, features) = x.shape, kernel.shape
    strides, dilations = as_pair(stride), as_pair(dilation)
    pads = as_pads(padding, sizes, windows, strides, dilations)
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    spans = [(w - 1) * d + 1 for w, d in zip(windows, dilations, strict=True)]
    rows, columns = (range(0, n - span + 1, s) for n, span, s in zip(padded.shape[1:3], spans, strides, strict=True))
    y = np.zeros((batch, len(rows), len(columns), features))
    ins, outs = channels // groups, features // groups
    for (p, row), (q, column), group in itertools.product(enumerate(rows), enumerate(columns), range(groups)):
        patch = padded[:, row : row + spans[0] : dilations[0], column : column + spans[1] : dilations[1]]
        patch = patch[..., group * ins : (group + 1) * ins]
        for feature in range(group * outs, (group + 1) * outs):
            y[:, p, q, feature] = (patch * kernel[..., feature]).sum(axis=(1, 2, 3))
    return y + bias


def plain_pool(x, window, stride=None, padding=0, *, ceil_mode=False, count=None):
    """Maximum of each window, or with `count` ("image" or "padding": what counts in the mean) the mean."""
    x = x.astype(np.float64)
    sizes, windows = x.shape[1:3], as_pair(window)
    strides = as_pair(window if stride is None else stride)
    pads = as_pads(padding, sizes, windows, strides)
    starts = [
        window_starts(n, w, s, low, high, ceil_mode)
        for n, w, s, (low, high) in zip(sizes, windows, strides, pads, strict=True)
    ]
    y = np.zeros((x.shape[0], len(starts[0]), len(starts[1]), x.shape[3]))
    for (p, row), (q, column) in itertools.product(enumerate(starts[0]), enumerate(starts[1])):
        patch = x[:, max(row, 0) : row + windows[0], max(column, 0) : column + windows[1]]
        if count is None:
            y[:, p, q] = patch.max(axis=(1, 2))
        else:
            seen = patch.shape[1:3]
            if count == "padding":
                seen = [
                    min(start + w, n + high) - start
                    for start, w, n, (_, high) in zip((row, column), windows, sizes, pads, strict=True)
                ]
            y[:, p, q] = patch.sum(axis=(1, 2)) / np.prod(seen)
    return y


def plain_adaptive_avg_pool(x, height, width):
    y = np.zeros((x.shape[0], height, width, x.shape[3]))
    for p, q in np.ndindex(height, width):
        top, bottom = int(np.floor(p * x.shape[1] / height)), int(np.ceil((p + 1) * x.shape[1] / height))
        left, right = int(np.floor(q * x.shape[2] / width)), int(np.ceil((q + 1) * x.shape[2] / width))
        y[:, p, q] = x[:, top:bottom, left:right].astype(np.float64).mean(axis=(1, 2))
    return y


def plain_local_response_norm(a, n, alpha, beta, k):
    """b_i = a_i / (k + alpha * sum over j from max(0, i - n/2) to min(N - 1, i + n/2) of a_j^2) ** beta."""
    a, b = a.astype(np.float64), np.zeros(a.shape)
    last = a.shape[-1] - 1
    for i in range(last + 1):
        total = sum(a[..., j] ** 2 for j in range(max(0, i - n // 2), min(last, i + n // 2) + 1))
        b[..., i] = a[..., i] / (k + alpha * total) ** beta
    return b


# Convolution

PADDINGS = [0, 1, (2, 1), ((0, 2), (3, 1)), "SAME", "VALID"]


@pytest.mark.parametrize("padding", PADDINGS, ids=str)
@pytest.mark.parametrize("stride", [1, 2, (3, 1)], ids=str)
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 5)], ids=str)
def test_conv(window, stride, padding):
    x, kernel, bias = random(*IMAGE), random(*window, 4, 6, seed=1), random(6, seed=2)
    ours = layers.conv(x, kernel, bias, stride=stride, padding=padding)
    assert_close(ours, plain_conv(x, kernel, bias, stride=stride, padding=padding))
    assert geometry.output_size(IMAGE[1:3], window, stride, padding) == ours.shape[1:3]


@pytest.mark.parametrize("padding", [0, ((0, 2), (3, 1)), "SAME"], ids=str)
@pytest.mark.parametrize("dilation", [2, (1, 3)], ids=str)
@pytest.mark.parametrize("stride", [1, 2], ids=str)
def test_dilated_conv(stride, dilation, padding):
    x, kernel = random(*IMAGE), random(3, 3, 4, 5, seed=1)
    ours = layers.conv(x, kernel, stride=stride, padding=padding, dilation=dilation)
    assert_close(ours, plain_conv(x, kernel, stride=stride, padding=padding, dilation=dilation))
    assert geometry.output_size(IMAGE[1:3], 3, stride, padding, dilation) == ours.shape[1:3]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_conv(groups):
    x, kernel = random(*IMAGE), random(3, 3, 4 // groups, 8, seed=1)
    ours = layers.conv(x, kernel, padding=1, groups=groups)
    assert_close(ours, plain_conv(x, kernel, padding=1, groups=groups))


@pytest.mark.parametrize("use_bias", [True, False])
def test_conv_module_is_the_function_with_its_own_parameters(use_bias):
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
    y = module.apply(variables, random(*IMAGE))
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("features", [6, 5], ids=["channels", "features"])
def test_groups_that_do_not_divide_are_one_clear_line(features):
    groups = {6: 3, 5: 2}[features]
    with pytest.raises(zoo.ZooError, match=rf"4 channels to {features} features cannot be split in {groups} groups"):
        layers.Conv(features, 3, groups=groups).init(jax.random.key(0), random(*IMAGE))


# Pooling

POOLS = [
    pytest.param(*pool, id="-".join(map(str, pool)))
    for pool in [(2, None, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), ((2, 3), (3, 2), (1, 1)), (4, 3, ((2, 0), (1, 2)))]
]
POOLS_WITH_NAMED_PADDING = [
    *POOLS,
    *(pytest.param(w, s, p, id=f"{w}-{s}-{p}") for w in (2, 3) for s in (1, 2, 3) for p in ("SAME", "VALID")),
]


@pytest.mark.parametrize(("window", "stride", "padding"), POOLS_WITH_NAMED_PADDING)
def test_max_pool(window, stride, padding):
    x = random(*IMAGE) - 5  # all below zero: padding must not win
    ours = layers.max_pool(x, window, stride, padding)
    assert_close(ours, plain_pool(x, window, stride, padding))
    assert geometry.output_size(IMAGE[1:3], window, stride or window, padding) == ours.shape[1:3]


@pytest.mark.parametrize(("window", "stride", "padding"), POOLS_WITH_NAMED_PADDING)
@pytest.mark.parametrize("count_include_pad", [True, False, None])
def test_avg_pool(window, stride, padding, count_include_pad):
    x = random(*IMAGE) + 5
    # By default explicit padding counts (Caffe, torch) and SAME does not (TensorFlow).
    counts = padding != "SAME" if count_include_pad is None else count_include_pad
    ours = layers.avg_pool(x, window, stride, padding, count_include_pad=count_include_pad)
    assert_close(ours, plain_pool(x, window, stride, padding, count="padding" if counts else "image"))


@pytest.mark.parametrize(("window", "stride", "padding"), POOLS)
@pytest.mark.parametrize("size", [(4, 5), (6, 7), (8, 9), (10, 3)], ids=str)
def test_ceil_mode(size, window, stride, padding):
    x = random(2, *size, 3) - 5
    ceil_mode = {"ceil_mode": True}
    ours = layers.max_pool(x, window, stride, padding, **ceil_mode)
    assert_close(ours, plain_pool(x, window, stride, padding, **ceil_mode))
    assert geometry.output_size(size, window, stride or window, padding, **ceil_mode) == ours.shape[1:3]
    for include, count in ((True, "padding"), (False, "image")):
        ours = layers.avg_pool(x, window, stride, padding, count_include_pad=include, **ceil_mode)
        assert_close(ours, plain_pool(x, window, stride, padding, count=count, **ceil_mode))


def test_ceil_mode_drops_a_last_window_that_would_start_in_the_padding():
    # 4 pixels padded by 1 are 6; windows of 2 every 3 start at 0 and 3, and one at 6 would start past the padding.
    assert geometry.output_size((4, 4), 2, 3, padding=1, ceil_mode=True) == (2, 2)
    # 3 pixels padded by 1 are 5; windows of 2 every 2 start at 0, 2 and 4: the last holds nothing but padding.
    assert geometry.output_size((3, 3), 2, 2, padding=1, ceil_mode=True) == (2, 2)
    x = random(1, 3, 3, 1)
    assert np.isfinite(layers.max_pool(x, 2, 2, padding=1, ceil_mode=True)).all()
    assert np.isfinite(layers.avg_pool(x, 2, 2, padding=1, ceil_mode=True, count_include_pad=False)).all()


@pytest.mark.parametrize("pool", [layers.max_pool, layers.avg_pool])
def test_ceil_mode_takes_an_image_smaller_than_the_window(pool):
    x = random(1, 2, 2, 3)
    reduce = np.max if pool is layers.max_pool else np.mean
    np.testing.assert_allclose(pool(x, 3, 2, ceil_mode=True), reduce(x, axis=(1, 2), keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("size", [(3, 4), (1, 1), (7, 10), (9, 12), (14, 5), (6, 6)], ids=str)
def test_adaptive_avg_pool(size):
    x = random(*IMAGE)
    assert_close(jax.jit(partial(layers.adaptive_avg_pool, size=size))(x), plain_adaptive_avg_pool(x, *size))


def test_adaptive_avg_pool_to_the_size_it_has_is_the_identity():
    x = random(2, 6, 6, 3)
    np.testing.assert_array_equal(layers.adaptive_avg_pool(x, 6), x)


def test_global_avg_pool():
    x = random(*IMAGE)
    assert_close(layers.global_avg_pool(x), plain_adaptive_avg_pool(x, 1, 1)[:, 0, 0])


@pytest.mark.parametrize(
    "constants",
    [{}, {"alpha": 1e-4 / 5, "k": 1.0}, {"size": 3, "alpha": 0.5, "beta": 0.6}, {"size": 9, "alpha": 1.0, "k": 0.5}],
    ids=["paper", "caffe", "3", "9"],
)
def test_local_response_norm(constants):
    x = 10 * random(2, 3, 4, 7)
    of_paper = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0} | constants
    plain = plain_local_response_norm(x, *(of_paper[name] for name in ("size", "alpha", "beta", "k")))
    assert_close(layers.local_response_norm(x, **constants), plain)


@pytest.mark.parametrize(
    "layer",
    [
        partial(layers.max_pool, window=3, stride=2, padding=1),
        partial(layers.avg_pool, window=3, stride=2, padding=1),
        partial(layers.adaptive_avg_pool, size=3),
        layers.global_avg_pool,
        layers.local_response_norm,
    ],
    ids=["max_pool", "avg_pool", "adaptive_avg_pool", "global_avg_pool", "local_response_norm"],
)
def test_functions_keep_the_dtype(layer):
    x = random(*IMAGE)
    half = layer(jnp.asarray(x, jnp.bfloat16))
    assert half.dtype == jnp.bfloat16
    assert_close(half.astype(jnp.float32), np.asarray(layer(x)), rtol=0.03)


# Geometry


@pytest.mark.parametrize(
    ("size", "window", "arguments", "pads"),
    [
        ((7, 10), 3, {"padding": 1}, ((1, 1), (1, 1))),
        ((7, 10), 3, {"padding": (2, 1)}, ((2, 2), (1, 1))),
        ((7, 10), 3, {"padding": ((0, 1), (2, 3))}, ((0, 1), (2, 3))),
        ((7, 10), 3, {"padding": "VALID"}, ((0, 0), (0, 0))),
        ((224, 224), 7, {"padding": "SAME", "stride": 2}, ((2, 3), (2, 3))),
        ((7, 10), (3, 2), {"padding": "SAME", "dilation": (2, 1)}, ((2, 2), (0, 1))),
        ((112, 112), 3, {"stride": 2, "ceil_mode": True}, ((0, 1), (0, 1))),
        ((7, 10), 3, {"stride": 2, "padding": 1, "ceil_mode": True}, ((1, 1), (1, 2))),
    ],
)
def test_explicit_padding(size, window, arguments, pads):
    assert geometry.explicit_padding(size, window, **arguments) == pads


@pytest.mark.parametrize(
    ("size", "window", "arguments", "expected"),
    [
        ((227, 227), 11, {"stride": 4}, (55, 55)),  # AlexNet's conv1
        ((224, 224), 7, {"stride": 2, "padding": 3}, (112, 112)),  # GoogLeNet's conv1, and its pools
        ((112, 112), 3, {"stride": 2, "ceil_mode": True}, (56, 56)),
        ((14, 14), 3, {"stride": 2, "ceil_mode": True}, (7, 7)),
        ((14, 14), 5, {"stride": 3}, (4, 4)),
        ((7, 10), 3, {"padding": "SAME", "stride": 2}, (4, 5)),
    ],
)
def test_output_size(size, window, arguments, expected):
    assert geometry.output_size(size, window, **arguments) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda x: layers.conv(x, random(9, 3, 4, 5)),
        lambda x: layers.conv(x, random(3, 3, 4, 5), dilation=(4, 1), padding="VALID"),
        lambda x: layers.max_pool(x, (8, 3)),
        lambda x: layers.avg_pool(x, (2, 11)),
        lambda x: layers.max_pool(x, 9, 2, ceil_mode=True),
        lambda x: geometry.output_size(x.shape[1:3], 9, padding=((0, 1), (0, 0))),
    ],
    ids=["conv", "dilated_conv", "max_pool", "avg_pool", "ceil_mode", "output_size"],
)
def test_a_window_that_does_not_fit_is_one_clear_line(call):
    with pytest.raises(geometry.WindowTooLarge, match=r"does not fit in a 7x10 feature map") as error:
        call(random(*IMAGE))
    assert isinstance(error.value, zoo.ZooError) and "\n" not in str(error.value)


def test_an_unknown_padding_is_one_clear_line():
    with pytest.raises(zoo.ZooError, match="unknown padding 'same': an int, pairs, 'SAME' or 'VALID'") as error:
        layers.max_pool(random(*IMAGE), 3, padding="same")
    assert "\n" not in str(error.value)


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
def test_conv_block_has_a_bias_where_no_norm_follows_unless_told(fields, conv_parameters, children):
    params = init(layers.ConvBlock(5, 3, **fields), random(*IMAGE))["params"]
    assert set(params) == children
    assert set(params["conv"]) == conv_parameters


def norm_variables(channels):
    """Of a batch norm: parameters and statistics that are not the initial ones."""
    params = {"scale": random(channels, seed=1), "bias": random(channels, seed=2)}
    statistics = {"mean": random(channels, seed=3), "var": 1 + random(channels, seed=4) ** 2}
    return {"params": params, "batch_stats": statistics}


def normalised(x, mean, var, params, epsilon=1e-5):
    return (x - mean) / np.sqrt(var + epsilon) * params["scale"] + params["bias"]


def test_conv_block_is_convolution_then_norm_then_activation():
    x, kernel = random(*IMAGE), random(3, 3, 4, 5, seed=1)
    norm = norm_variables(5)
    variables = {
        "params": {"conv": {"kernel": kernel}, "bn": norm["params"]},
        "batch_stats": {"bn": norm["batch_stats"]},
    }
    block = layers.ConvBlock(5, 3, 2, 1, norm=layers.batch_norm, act=jnp.tanh)
    y = plain_conv(x, kernel, stride=2, padding=1)
    assert_close(block.apply(variables, x), np.tanh(normalised(y, *norm["batch_stats"].values(), norm["params"])))


def test_batch_norm_uses_the_running_statistics_unless_train():
    x = random(*IMAGE)
    variables = norm_variables(x.shape[-1])
    # Whether the collection is mutable must not matter, or no backbone could be frozen.
    y, updated = layers.batch_norm(train=False).apply(variables, x, mutable=["batch_stats"])
    assert_close(y, normalised(x, *variables["batch_stats"].values(), variables["params"]))
    jax.tree.map(
        np.testing.assert_array_equal, updated.get("batch_stats", variables["batch_stats"]), variables["batch_stats"]
    )


def test_batch_norm_uses_and_averages_the_statistics_of_the_batch_in_training():
    x = random(*IMAGE).astype(np.float64)
    variables = norm_variables(x.shape[-1])
    y, updated = layers.batch_norm(train=True, momentum=0.9, epsilon=1e-3).apply(variables, x, mutable=["batch_stats"])
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    assert_close(y, normalised(x, mean, var, variables["params"], epsilon=1e-3))
    for name, of_batch in (("mean", mean), ("var", var)):
        assert_close(updated["batch_stats"][name], 0.9 * variables["batch_stats"][name] + 0.1 * of_batch)


def test_batch_norm_without_scale():
    variables = init(layers.batch_norm(train=False, use_scale=False), random(*IMAGE))
    assert set(variables["params"]) == {"bias"}


# GoogLeNet's 3a


def parameter_count(module, x):
    params = jax.eval_shape(module.init, jax.random.key(0), x)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_inception_3a_has_the_parameters_of_the_paper():
    x = jax.ShapeDtypeStruct((1, 28, 28, 192), jnp.float32)
    module = layers.Inception(64, 96, 128, 16, 32, 32)
    assert parameter_count(module, x) == 163_696
    # 163,328 weights and one bias a filter: 64 + 96 + 128 + 16 + 32 + 32.
    weights_alone = layers.Inception(64, 96, 128, 16, 32, 32, conv=partial(layers.ConvBlock, use_bias=False))
    assert parameter_count(weights_alone, x) == 163_328


@pytest.mark.parametrize("kernel_5x5", [5, 3])
def test_inception_joins_its_four_branches(kernel_5x5):
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


def test_naive_inception_is_deeper_than_its_input_by_all_of_its_filters():
    x = random(1, 6, 7, 192)
    module = layers.NaiveInception(64, 128, 32)
    variables = init(module, x)
    y = jax.jit(module.apply)(variables, x)
    assert y.shape == (1, 6, 7, 64 + 128 + 32 + 192)
    assert set(variables["params"]) == {"1x1", "3x3", "5x5"}
    assert_close(y[..., -192:], plain_pool(x, 3, 1, 1))


# Many devices (tests/conftest.py simulates four)


def axis_seen_inside(mapped):
    """What `data_axis` says in a function that `mapped` maps over four devices."""
    seen = []

    def function(x):
        seen.append(layers.data_axis())
        return x

    mapped(function)(jnp.zeros((4, 1)))
    return set(seen)


def test_data_axis_is_the_mapped_axis_and_none_elsewhere():
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
    spec = PartitionSpec("data")
    assert layers.data_axis() is None
    assert axis_seen_inside(jax.jit) == {None}
    assert axis_seen_inside(partial(jax.pmap, axis_name="data")) == {"data"}
    assert axis_seen_inside(partial(jax.pmap, axis_name="model")) == {None}
    assert axis_seen_inside(partial(jax.shard_map, mesh=mesh, in_specs=spec, out_specs=spec)) == {"data"}
    assert axis_seen_inside(lambda f: jax.pmap(jax.jit(f), axis_name="data")) == {"data"}


def test_batch_norm_over_devices_is_batch_norm_of_the_whole_batch():
    x = random(8, 3, 4, 5) + np.arange(8)[:, None, None, None]  # each device's share has its own mean
    variables = norm_variables(x.shape[-1])

    def step(x):
        # The module is made inside, where the mapped axis is to be seen, as the networks do.
        return layers.batch_norm(train=True).apply(variables, x, mutable=["batch_stats"])

    whole, updated = step(x)
    shared, of_each = jax.pmap(step, axis_name="data")(x.reshape(4, 2, *x.shape[1:]))
    assert_close(shared.reshape(x.shape), np.asarray(whole))
    for device in range(4):
        jax.tree.map(lambda a, b, i=device: assert_close(a[i], np.asarray(b)), of_each, updated)
