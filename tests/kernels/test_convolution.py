"""A CPU's own forms of convolution against XLA's own, values and gradients, in float64."""

import itertools
import re
from functools import partial

import jax
import numpy as np
import pytest
from jax import lax

from zoo import layers
from zoo.kernels.convolution import grouped_conv, patches_conv, pointwise_conv
from zoo.kernels.depthwise import depthwise_conv

NUMBERS = ("NHWC", "HWIO", "NHWC")
CASES = [  # image, window, stride, padding
    ((7, 8), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((7, 8), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((8, 9), (3, 3), (2, 2), ((0, 1), (0, 1))),
    ((9, 9), (5, 5), (2, 2), ((2, 2), (1, 2))),
    ((9, 7), (5, 3), (3, 1), ((0, 0), (2, 0))),
    ((6, 6), (2, 2), (3, 3), ((0, 0), (0, 0))),
    ((5, 5), (1, 1), (2, 2), ((0, 0), (0, 0))),
    ((7, 7), (7, 7), (1, 1), ((3, 3), (3, 3))),
]


def xla(x, kernel, stride, pads):
    """lax.conv_general_dilated with a group a channel."""
    return lax.conv_general_dilated(x, kernel, stride, pads, dimension_numbers=NUMBERS, feature_group_count=x.shape[-1])


def compare(ours, theirs, *shapes):
    """Values and gradients of two functions of an image and a kernel are equal."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        given = [rng.normal(size=shape) for shape in shapes]
        (y, pullback), (expected, their_pullback) = jax.vjp(ours, *given), jax.vjp(theirs, *given)
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
        gradient = rng.normal(size=y.shape)
        for one, other in zip(pullback(gradient), their_pullback(gradient), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("size", "window", "stride", "pads"), CASES)
def test_values_and_gradients_are_those_of_xla(size, window, stride, pads):
    own = {"stride": stride, "pads": pads}
    compare(partial(depthwise_conv, **own), partial(xla, **own), (2, *size, 5), (*window, 1, 5))


@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
def test_a_pointwise_convolution_is_a_matrix_product(stride):
    plain = partial(lax.conv_general_dilated, window_strides=stride, padding="VALID", dimension_numbers=NUMBERS)
    compare(partial(pointwise_conv, stride=stride), plain, (2, 7, 8, 3), (1, 1, 3, 5))


@pytest.mark.parametrize(
    ("size", "window", "stride", "pads"),
    [
        *CASES,
        ((1, 1), (3, 3), (1, 1), ((1, 1), (1, 1))),
        ((1, 2), (5, 5), (1, 1), ((2, 2), (2, 2))),
        ((2, 2), (3, 3), (2, 2), ((1, 1), (1, 1))),
        ((3, 2), (7, 7), (2, 2), ((3, 3), (3, 3))),
        ((2, 2), (3, 3), (1, 1), ((0, 1), (1, 0))),
        ((2, 9), (3, 1), (1, 2), ((2, 2), (0, 0))),
    ],
)
def test_patches_and_a_product_are_a_convolution(size, window, stride, pads):
    plain = partial(lax.conv_general_dilated, window_strides=stride, padding=pads, dimension_numbers=NUMBERS)
    compare(partial(patches_conv, stride=stride, pads=pads), plain, (2, *size, 3), (*window, 3, 4))


GROUPS = [(2, 3, 4), (3, 16, 48), (5, 8, 10), (2, 40, 6)]  # groups, channels of each, features of all


@pytest.mark.parametrize(("case", "grouping"), zip(CASES, itertools.cycle(GROUPS), strict=False))
def test_groups_are_dense_convolutions(case, grouping):
    (size, window, stride, pads), (groups, width, features) = case, grouping
    plain = partial(
        lax.conv_general_dilated,
        window_strides=stride,
        padding=pads,
        dimension_numbers=NUMBERS,
        feature_group_count=groups,
    )
    ours = partial(grouped_conv, stride=stride, pads=pads, groups=groups)
    compare(ours, plain, (2, *size, groups * width), (*window, width, features))


@pytest.mark.parametrize(
    ("size", "kernel", "groups"), [((2, 2), (3, 3, 8, 8), 1), ((8, 8), (3, 3, 4, 64), 16), ((1, 1), (5, 5, 8, 8), 1)]
)
def test_no_slow_convolution_of_xla_is_left_on_a_cpu(size, kernel, groups):
    def loss(x, kernel):
        return layers.conv(x, kernel, padding=kernel.shape[0] // 2, groups=groups).sum()

    x = np.ones((2, *size, kernel[2] * groups), np.float32)
    text = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(x, np.ones(kernel, np.float32)).as_text()
    found = re.findall(r"feature_group_count = (\d+)", text)
    assert all(count == "1" for count in found) and bool(found) == (groups > 1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_types_are_kept_and_sums_are_wide(dtype):
    kernel = np.ones((7, 7, 1, 2))
    kernel[0, 0] = 256  # a sum of bfloat16 would stay there: 257 is none
    x, kernel = np.ones((1, 7, 7, 2), dtype), kernel.astype(dtype)
    y, pullback = jax.vjp(partial(depthwise_conv, stride=(1, 1), pads=((0, 0), (0, 0))), x, kernel)
    np.testing.assert_array_equal(y, np.full((1, 1, 1, 2), 256 + 48, dtype))
    of_x, of_kernel = pullback(y)
    assert y.dtype == of_x.dtype == of_kernel.dtype == dtype


def test_the_layer_takes_it_on_a_cpu_and_works_under_vmap_and_remat():
    x = np.random.default_rng(0).normal(size=(3, 2, 8, 8, 4)).astype(np.float32)
    kernel = np.random.default_rng(1).normal(size=(3, 3, 1, 4)).astype(np.float32)

    def loss(kernel, x):
        return (layers.conv(x, kernel, padding=1, groups=4) ** 2).sum()

    def expected(kernel, x):
        return (xla(x, kernel, (1, 1), ((1, 1), (1, 1))) ** 2).sum()

    each = jax.jit(jax.vmap(jax.grad(jax.checkpoint(loss)), in_axes=(None, 0)))(kernel, x)
    theirs = jax.vmap(jax.grad(expected), in_axes=(None, 0))(kernel, x)
    np.testing.assert_allclose(each, theirs, rtol=1e-4, atol=1e-4)
    text = jax.jit(jax.grad(loss)).lower(kernel, x[0]).as_text()
    assert "convolution" not in text
