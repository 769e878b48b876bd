"""The pure functions of `zoo.layers` refuse what they cannot do in one line, or do it."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo import layers
from zoo.count import conv_macs, conv_output_shape, pool_output_shape
from zoo.geometry import WindowTooLarge

X = np.ones((2, 6, 7, 4), np.float32)
KERNEL = np.ones((3, 3, 4, 6), np.float32)
conv = partial(layers.conv, kernel=KERNEL)
LENET = zoo.create_model("lenet5")
KEY = jax.random.key(0)

NOT_POSITIVE = (0, -1, (1, 0), (-2, 1), 1.5, True, (1, 1, 1), (1,), "2", None)
NO_PADDING = (-1, (1, -1), ((0, -1), (0, 0)), 1.5, (1, 1, 1), ((1, 1), (1, 1, 1)), "same", "", None, {}, ((0.5, 0), 1))
NOT_IMAGES = [
    *(np.ones(shape, np.float32) for shape in ((6, 7, 4), (7,), (), (1, 2, 6, 7, 4), (2, 6, 7, 0))),
    *(np.ones(X.shape, dtype) for dtype in (np.uint8, np.int8, np.int32, np.bool_, np.complex64)),
    [[[[1.0]]]],
    None,
    "image",
]
ON_IMAGES = {
    "conv": conv,
    "max_pool": partial(layers.max_pool, window=2),
    "avg_pool": partial(layers.avg_pool, window=2),
    "global_avg_pool": layers.global_avg_pool,
    "adaptive_avg_pool": partial(layers.adaptive_avg_pool, size=2),
    "local_response_norm": layers.local_response_norm,
}


def cases():
    for name, call in ON_IMAGES.items():
        for x in NOT_IMAGES:
            yield pytest.param(
                partial(call, x), id=f"{name}-{x.dtype}{x.shape}" if hasattr(x, "shape") else f"{name}-{x}"
            )
    windowed = {"conv": conv, "max_pool": ON_IMAGES["max_pool"], "avg_pool": ON_IMAGES["avg_pool"]}
    for name, call in windowed.items():
        for stride in NOT_POSITIVE:
            if stride is not None or name == "conv":
                yield pytest.param(partial(call, X, stride=stride), id=f"{name}-stride-{stride}")
        for padding in NO_PADDING:
            yield pytest.param(partial(call, X, padding=padding), id=f"{name}-padding-{padding}")
    for number in NOT_POSITIVE:
        yield pytest.param(partial(conv, X, dilation=number), id=f"conv-dilation-{number}")
        yield pytest.param(partial(conv, X, groups=number), id=f"conv-groups-{number}")
        yield pytest.param(partial(layers.max_pool, X, number), id=f"max_pool-window-{number}")
        yield pytest.param(partial(layers.avg_pool, X, number), id=f"avg_pool-window-{number}")
        yield pytest.param(partial(layers.adaptive_avg_pool, X, number), id=f"adaptive_avg_pool-size-{number}")
        yield pytest.param(partial(layers.local_response_norm, X, size=number), id=f"local_response_norm-size-{number}")
        for field in ("features", "kernel_size", "stride", "dilation", "groups"):
            module = layers.Conv(**{"features": 6, "kernel_size": 3, field: number})
            yield pytest.param(partial(module.init, jax.random.key(0), X), id=f"Conv-{field}-{number}")
    for pool in (layers.max_pool, layers.avg_pool):
        for padding in (2, (0, 2), ((0, 2), (0, 0))):
            yield pytest.param(partial(pool, X, 2, 1, padding), id=f"{pool.__name__}-window-2-padding-{padding}")
    for shape in ((3, 3, 4), (3, 3, 3, 6), (3, 3, 5, 6), (3, 3, 8, 6), (0, 3, 4, 6), (3, 3, 4, 0), (3, 3, 0, 6), ()):
        yield pytest.param(partial(layers.conv, X, np.ones(shape, np.float32)), id=f"conv-kernel-{shape}")
    for kernel in (np.ones(KERNEL.shape, int), KERNEL.tolist(), None):
        yield pytest.param(partial(layers.conv, X, kernel), id=f"conv-kernel-{type(kernel).__name__}")
    for groups in (3, 4, 8, 2):  # the kernel has all channels, which is one group
        yield pytest.param(partial(conv, X, groups=groups), id=f"conv-{groups}-groups")
    for shape in ((), (5,), (1,), (7, 6)):
        yield pytest.param(partial(conv, X, bias=np.ones(shape, np.float32)), id=f"conv-bias-{shape}")
    for fields in ({"k": 0}, {"k": -1.0}, {"alpha": -1}, {"k": float("nan")}):
        yield pytest.param(partial(layers.local_response_norm, X, **fields), id=f"local_response_norm-{fields}")
    for rate in (-0.1, 1.1, float("nan")):
        yield pytest.param(partial(layers.stochastic_depth, rate, train=True), id=f"stochastic_depth-{rate}")
    yield pytest.param(partial(conv_output_shape, (8, 8, 3), filters=4, kernel=3, stride=0), id="count-stride-0")
    yield pytest.param(partial(conv_output_shape, (8, 8, 3), filters=4, kernel=3, padding=-1), id="count-padding--1")
    yield pytest.param(partial(pool_output_shape, (8, 8, 3), window=0), id="count-window-0")
    count_conv = partial(conv_macs, (8, 8, 3), filters=6, kernel=3)
    huge = 10**5000
    for wrong in (*NOT_POSITIVE, "nan", float("nan"), float("inf"), huge):
        shown = "huge" if wrong is huge else wrong
        yield pytest.param(partial(count_conv, filters=wrong), id=f"count-filters-{shown}")
        yield pytest.param(partial(conv_output_shape, (8, 8, 3), filters=wrong, kernel=3), id=f"count-outputs-{shown}")
        yield pytest.param(partial(count_conv, groups=wrong), id=f"count-groups-{shown}")
        for count_shape in (partial(conv_macs, filters=6, kernel=3), partial(pool_output_shape, window=2)):
            for shape in (None if wrong == (1, 1, 1) else wrong, (8, 8, wrong), (wrong, 8, 3), (8, 8)):
                name = count_shape.func.__name__
                yield pytest.param(partial(count_shape, shape), id=f"{name}-{'huge' if huge == wrong else shape}")
        if wrong != 0:
            yield pytest.param(partial(zoo.count.summarize, LENET, (1, 32, wrong, 1)), id=f"summarize-{shown}")
        yield pytest.param(partial(zoo.count.summarize, LENET, wrong), id=f"summarize-all-{shown}")
        if wrong is not None:
            yield pytest.param(partial(zoo.init, LENET, KEY, (32, wrong, 1)), id=f"init-{shown}")
            yield pytest.param(partial(zoo.init, LENET, KEY, wrong), id=f"init-all-{shown}")
        if wrong != 0 and wrong is not True:
            yield pytest.param(partial(zoo.create_model, "lenet5", num_classes=wrong), id=f"num_classes-{shown}")
    yield pytest.param(partial(count_conv, groups=2), id="count-groups-of-channels")
    yield pytest.param(partial(count_conv, filters=5, groups=3), id="count-groups-of-filters")
    yield pytest.param(partial(zoo.count.parameters, {"a": 5}), id="parameters-of-numbers")


@pytest.mark.parametrize("call", list(cases()))
def test_a_bad_call_is_one_line(call):
    with pytest.raises(zoo.ZooError) as error:
        call()
    assert "\n" not in str(error.value) and not isinstance(error.value, WindowTooLarge)


def test_a_window_larger_than_the_image_is_its_own_error():
    for call in (partial(conv, kernel=np.ones((9, 3, 4, 6), np.float32)), partial(layers.max_pool, window=(2, 8))):
        with pytest.raises(WindowTooLarge, match="6x7"):
            call(X)
    for call in ON_IMAGES.values():
        with pytest.raises(WindowTooLarge, match=r"\(2, 0, 7, 4\)"):
            call(X[:, :0])


def test_sizes_of_numpy_and_lists_are_sizes():
    expected = layers.max_pool(X, (3, 2), (2, 1), ((1, 0), (0, 1)))
    window, stride, padding = [np.int64(3), np.int32(2)], np.array([2, 1]), [[1, np.int8(0)], [0, 1]]
    np.testing.assert_array_equal(layers.max_pool(X, window, stride.tolist(), padding), expected)
    assert layers.avg_pool(X, np.int64(2)).shape == (2, 3, 3, 4)


def test_an_empty_batch_is_a_batch():
    empty = X[:0]
    for name, call in ON_IMAGES.items():
        assert jax.eval_shape(call, empty).shape[0] == 0, name


def test_types_of_a_convolution_are_promoted():
    y = conv(jnp.asarray(X, jnp.bfloat16))
    assert y.dtype == jnp.float32
    np.testing.assert_array_equal(y, conv(X))


@pytest.mark.parametrize("std", [0.0, -1.0, float("nan"), float("inf")])
def test_deviations_that_no_images_have(std):
    with pytest.raises(zoo.ZooError, match="std"):
        zoo.data.Preprocessing(image_shape=(8, 8, 1), mean=(0.0,), std=(std,))


def test_a_layer_whose_name_is_no_text():
    class Named(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(2, name="\udcff")(x)

    with pytest.raises(zoo.ZooError, match="no text"):
        zoo.init(Named(), KEY, (8, 8, 1))
