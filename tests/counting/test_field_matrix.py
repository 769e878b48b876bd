"""Receptive fields through functions between two convolutions, against gradients.

`FUNCTIONS` has the size of the largest field of all positions, height first, None where that is the whole axis. The
slow test takes these sizes from gradients in float64; the quick one compares `zoo.count` with them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from zoo.count import summarize
from zoo.layers import adaptive_avg_pool, avg_pool

HEIGHT, WIDTH = 24, 20
SHAPE = (1, HEIGHT, WIDTH, 1)
ROWS = np.arange(HEIGHT)
DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def positive(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    return jax.random.uniform(key, shape, dtype, 0.5, 1.5)


conv = partial(nn.Conv, kernel_init=positive, use_bias=False)
transposed = partial(nn.ConvTranspose, kernel_init=positive, use_bias=False)


class Between(nn.Module):
    """A 3x3 convolution to two features, a function, and a 3x3 convolution if its result is a map."""

    function: Callable

    @nn.compact
    def __call__(self, x):
        x = self.function(conv(2, (3, 3))(x))
        return conv(2, (3, 3))(x) if x.ndim == 4 else x


def resize(height: int, method: str, **options) -> Callable:
    return lambda x: jax.image.resize(x, (1, height, WIDTH, x.shape[-1]), method, **options)


def pad(mode: str, **options) -> Callable:
    return lambda x: jnp.pad(x, ((0, 0), (2, 3), (1, 0), (0, 0)), mode=mode, **options)


def space_to_depth(x):
    _, h, w, c = x.shape
    return x.reshape(1, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(1, h // 2, w // 2, 4 * c)


def depth_to_space(x):
    _, h, w, c = x.shape
    return x.reshape(1, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(1, 2 * h, 2 * w, c // 4)


def between_blocks(layer: Callable) -> Callable:
    return lambda x: depth_to_space(layer()(space_to_depth(x)))


def focus(x):
    return jnp.concatenate([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -1)


def running(x, **options):
    """A sum over rows by a scan."""
    return lax.scan(lambda c, row: (c + row, c + row), jnp.zeros((WIDTH, 2), x.dtype), x[0], **options)


def add_in_loop(x):
    parts = [partial(lax.dynamic_slice_in_dim, x, slice_size=4, axis=1)]
    return lax.fori_loop(0, 5, lambda i, c: c + parts[0](2 * i), jnp.zeros((1, 4, WIDTH, 2), x.dtype))


def axial_attention(x):
    weights = nn.softmax(jnp.einsum("bhwc,bgwc->bhgw", x, x), axis=2)
    return jnp.einsum("bhgw,bgwc->bhwc", weights, x)


def own_kernels(x):
    kernels = jnp.ones((1, 3, 5, 2, 2), x.dtype)
    apply = partial(lax.conv_general_dilated, window_strides=(1, 1), padding="SAME", dimension_numbers=DIMENSIONS)
    return jax.vmap(lambda image, kernel: apply(image[None], kernel)[0])(x, kernels)


def constant_kernel(x):
    kernel = np.zeros((3, 3, 1, 2))
    kernel[0, 1] = 1
    return lax.conv_general_dilated(
        x, jnp.asarray(kernel, x.dtype), (1, 1), "SAME", dimension_numbers=DIMENSIONS, feature_group_count=2
    )


def masked_convolution(x):
    """PixelCNN's: the pixels above, and those to the left in the same row."""
    mask = np.ones((5, 5, 2, 2))
    mask[2, 2:] = mask[3:] = 0
    return conv(2, (5, 5), mask=mask)(x)


def band(x):
    ones = np.ones((HEIGHT, HEIGHT))
    return jnp.einsum("bhwc,hk->bkwc", x, jnp.asarray(np.tril(ones) * np.triu(ones, -3), x.dtype))


def patches(x):
    return lax.conv_general_dilated_patches(x, (3, 2), (1, 2), "SAME", dimension_numbers=DIMENSIONS)


# name: (function, the largest field)
FUNCTIONS: dict[str, tuple[Callable, tuple[int | None, int | None]]] = {}


def case(name: str, height: int | None, width: int | None, function: Callable) -> None:
    FUNCTIONS[name] = (function, (height, width))


case("repeats", 4, 4, lambda x: jnp.repeat(jnp.repeat(x, 2, 1), 3, 2))
case("repeats that differ", 6, 5, lambda x: jnp.repeat(x, ROWS % 3, axis=1, total_repeat_length=HEIGHT))
case("tile", 5, None, lambda x: jnp.tile(x, (1, 1, 2, 1)))
case("roll", None, 5, lambda x: jnp.roll(x, 3, 1))
case("roll and back", 5, 7, lambda x: jnp.roll(avg_pool(jnp.roll(x, 3, 1), (1, 3), 1), -3, 1))
case("flip", 5, 5, lambda x: x[:, ::-1])
case("flip of both axes and back", 8, 8, lambda x: jnp.flip(avg_pool(jnp.flip(x, (1, 2)), 2), (1, 2)))
case("rot90", 5, 5, lambda x: jnp.rot90(x, 1, (1, 2)))
case("nearest up", 4, 5, resize(48, "nearest"))
case("nearest up, not whole", 5, 5, resize(37, "nearest"))
case("nearest down", 10, 5, resize(7, "nearest"))
case("linear up", 5, 5, resize(48, "linear"))
case("linear up, not whole", 6, 5, resize(31, "linear"))
case("linear down", 10, 5, resize(12, "linear"))
case("linear down, not whole", 16, 5, resize(7, "linear"))
case("linear down, no antialias", 11, 5, resize(7, "linear", antialias=False))
case("linear to the same size", 5, 5, resize(24, "linear"))
case("cubic up", 7, 5, resize(48, "cubic"))
case("cubic down", 18, 5, resize(9, "cubic"))
case("lanczos3 up", 10, 5, resize(36, "lanczos3"))
case("lanczos5 down", 20, 5, resize(16, "lanczos5"))
case(
    "scale and translate",
    8,
    5,
    lambda x: jax.image.scale_and_translate(
        x, (1, 18, WIDTH, 2), (1,), jnp.array([0.7], x.dtype), jnp.array([1.3], x.dtype), "linear"
    ),
)
case("adaptive pool, even", 11, 8, lambda x: adaptive_avg_pool(x, (8, 10)))
case("adaptive pool, uneven", 14, 12, lambda x: adaptive_avg_pool(x, 7))
case("adaptive pool up", 5, 5, lambda x: adaptive_avg_pool(x, 36))
case("cumsum", None, 5, lambda x: jnp.cumsum(x, 1))
case("cumsum of a part", 6, 5, lambda x: jnp.cumsum(x[:, :5], 1))
case("cumsum reversed", 5, 9, lambda x: lax.cumsum(x, 2, reverse=True)[:, :, 12:])
case("cumlogsumexp", 8, 5, lambda x: lax.cumlogsumexp(x, 1)[:, :7])
case("associative scan", 8, 5, lambda x: lax.associative_scan(jnp.add, x, axis=1)[:, :7])
case("associative scan reversed", 5, 9, lambda x: lax.associative_scan(jnp.add, x, axis=2, reverse=True)[:, :, 12:])
case("softmax", None, 5, lambda x: nn.softmax(x, axis=1))
case("fft", None, 5, lambda x: jnp.fft.fft(x, axis=1).real)
case("norm over space", None, None, lambda x: nn.LayerNorm(reduction_axes=(1, 2), use_scale=False, use_bias=False)(x))
case("norm over features", 5, 5, lambda x: nn.LayerNorm(use_scale=False, use_bias=False)(x))
case("take", 11, 5, lambda x: x[:, np.array([1, 5, 2, 9, 9, 0])])
case("take on both axes", 7, 5, lambda x: x[:, np.array([1, 5, 2])[:, None], np.array([3, 1])[None]])
case(
    "take along an axis",
    None,
    5,
    lambda x: jnp.take_along_axis(x, np.argsort(np.sin(ROWS))[None, :, None, None], axis=1),
)
case("negative steps", 7, 5, lambda x: x[:, 20:2:-2])
case("dynamic slice", 5, 5, lambda x: lax.dynamic_slice(x, (0, 2, 3, 0), (1, 8, 9, 2)))
case("dynamic update slice", 11, 5, lambda x: lax.dynamic_update_slice(x, x[:, 8:12], (0, 2, 0, 0)))
case("set", 8, 5, lambda x: x.at[:, 3:9].set(x[:, 6:12]))
case("add at", 10, 5, lambda x: x.at[:, np.array([1, 4])].add(x[:, np.array([5, 9])]))
case("segment sum", 11, 5, lambda x: jax.ops.segment_sum(x[0], ROWS // 3, 8)[None])
case("concatenation along height", 22, 5, lambda x: jnp.concatenate([x[:, :3], x[:, 8:], x[:, 3:8]], 1))
case("concatenation along width", None, None, lambda x: jnp.concatenate([x, x[:, ::-1]], 2))
case("the first half of features", 9, 9, lambda x: jnp.concatenate([avg_pool(x, 5, 1, 2), x], -1)[..., :2])
case("the second half of features", 5, 5, lambda x: jnp.concatenate([avg_pool(x, 5, 1, 2), x], -1)[..., 2:])
case("stack", 15, 5, lambda x: jnp.stack([x[:, :12], x[:, 12:]], 2).reshape(1, 24, WIDTH, 2))
case("split", 17, None, lambda x: jnp.concatenate(jnp.split(x, 2, 1)[::-1], 2))
case("focus", 8, 8, focus)
case("focus and back", 5, 5, lambda x: depth_to_space(focus(x)))
case("constant padding", 5, 5, pad("constant"))
case("edge padding", 5, 5, pad("edge"))
case("reflect padding", 5, 5, pad("reflect"))
case("odd reflect padding", 5, 5, pad("reflect", reflect_type="odd"))
case("symmetric padding", 5, 5, pad("symmetric"))
case("wrap padding", None, None, pad("wrap"))
case("linear ramp padding", 5, 5, pad("linear_ramp"))
case("mean padding", None, None, pad("mean"))
case(
    "negative padding",
    5,
    5,
    lambda x: lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (-2, 3, 0), (1, -4, 0), (0, 0, 0))),
)
case(
    "interior padding", 3, 5, lambda x: lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (1, 1, 2), (0, 0, 0), (0, 0, 0)))
)
case(
    "two parts padded and added",
    5,
    5,
    lambda x: (
        jnp.pad(x[:, :8], ((0, 0), (0, 16), (0, 0), (0, 0))) + jnp.pad(x[:, 8:], ((0, 0), (8, 0), (0, 0), (0, 0)))
    ),
)
case("space to depth", 8, 8, space_to_depth)
case("space to depth and back", 5, 5, lambda x: depth_to_space(space_to_depth(x)))
case("depthwise between blocks", 9, 9, between_blocks(lambda: conv(8, (3, 3), feature_group_count=8)))
case("groups between blocks", 9, 9, between_blocks(lambda: conv(8, (3, 3), feature_group_count=4)))
case("dilated between blocks", 14, 14, between_blocks(lambda: conv(8, (3, 3), kernel_dilation=2)))
case("flat and back", 5, 5, lambda x: x.reshape(1, -1).reshape(x.shape))
case("one column and back", 5, 5, lambda x: x.reshape(-1, 1).reshape(x.shape))
case("rows of two", 8, None, lambda x: x.reshape(1, 12, 40, 2))
case("two of a row", 4, 15, lambda x: x.reshape(1, 48, 10, 2))
case("features of another row", 12, 18, lambda x: x.reshape(1, 6, 20, 8)[..., :2])
case("transpose", 5, 5, lambda x: x.transpose(0, 2, 1, 3))
case("dense on flat positions", 5, 5, lambda x: nn.Dense(2, kernel_init=positive)(x.reshape(-1, 2)).reshape(x.shape))
case("diagonal", 5, 5, lambda x: jnp.diagonal(x, axis1=1, axis2=2).transpose(0, 2, 1)[:, :, None])
case("map over rows", 5, 5, lambda x: lax.map(lambda row: 2 * row, x[0])[None])
case("scan", None, 5, lambda x: running(x)[1][None])
case("scan, the first rows", 7, 5, lambda x: running(x)[1][None, :6])
case("reversed scan, the last rows", 7, 5, lambda x: running(x, reverse=True)[1][None, 18:])
case("the carry of a scan of four rows", 5, 5, lambda x: running(x[:, :4])[0][None, None])
case("slices in a loop", 13, 5, add_in_loop)
case("vmap over rows", 5, 5, lambda x: jax.vmap(lambda row: 2 * row, 1, 1)(x))
case("vmap with own kernels", 7, 9, own_kernels)
case("a kernel of constants", 5, 5, constant_kernel)
case("a masked kernel", 7, 9, masked_convolution)
case("patches", 7, 8, patches)
case("one of the patches", 5, 7, lambda x: patches(x)[..., 1:2])
case("a product with a band", 8, 5, band)
case(
    "a product with two axes",
    None,
    None,
    lambda x: jnp.einsum("bhwc,hwk->bkc", x, jnp.ones((HEIGHT, WIDTH, 4), x.dtype))[:, :, None],
)
case("a shift by a matrix", 5, 5, lambda x: jnp.einsum("bhwc,hk->bkwc", x, jnp.eye(HEIGHT, k=2, dtype=x.dtype)))
case("where", 5, 5, lambda x: jnp.where((ROWS < 12)[None, :, None, None], x, x[:, ::-1]))
case("masks", 5, 5, lambda x: x * (ROWS < 12)[None, :, None, None] + x[:, ::-1] * (ROWS >= 12)[None, :, None, None])
case("transposed, 4 and 3 over 2 and 3", 5, 4, lambda x: transposed(2, (4, 3), (2, 3))(x))
case("transposed, 2 over 2", 4, 4, lambda x: transposed(2, (2, 2), (2, 2), padding="VALID")(x))
case("transposed, 5 and 2 over 3 and 4", 5, 3, lambda x: transposed(2, (5, 2), (3, 4))(x))
case("axial attention", None, 5, axial_attention)
case("a gate", None, None, lambda x: x * x.mean((1, 2), keepdims=True))
case("the first row added", None, 5, lambda x: x + x[:, :1])
case("a shifted residual", 9, 5, lambda x: x + jnp.pad(x, ((0, 0), (4, 0), (0, 0), (0, 0)))[:, :HEIGHT])
case("the mean of some rows", 5, None, lambda x: jnp.broadcast_to(x[:, :4].mean((1, 2), keepdims=True), x.shape))
case("patches as tokens", 6, 6, lambda x: x.reshape(1, 6, 4, 5, 4, 2).transpose(0, 1, 3, 2, 4, 5).reshape(1, 30, 32))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_field(name):
    function, sizes = FUNCTIONS[name]
    last = summarize(Between(function), SHAPE).rows[-1]
    assert (last.receptive_field, last.receptive_field_exact) == (sizes, (True, True))


def largest_fields(model: nn.Module) -> tuple[int | None, ...]:
    """The largest distance from the first to the last pixel, along each axis, with a gradient at an output position."""
    with jax.enable_x64(True):
        image = jnp.asarray(np.random.default_rng(0).uniform(0.5, 1.5, SHAPE))
        variables = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), model.init(jax.random.key(0), image))
        jacobian = jax.jit(jax.jacrev(lambda x: model.apply(variables, x).sum((0, -1))))(image)
    seen = np.asarray(jacobian).reshape(-1, HEIGHT, WIDTH)
    seen = np.abs(seen) > 1e-12 * np.abs(seen).max()
    sizes = []
    for axis, pixels in ((2, HEIGHT), (1, WIDTH)):
        lines = [np.flatnonzero(line) for line in seen.any(axis)]
        largest = max(line[-1] - line[0] + 1 for line in lines if len(line))
        sizes.append(None if largest == pixels else int(largest))
    return tuple(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_sizes_of_the_table_by_gradients(name):
    function, sizes = FUNCTIONS[name]
    assert largest_fields(Between(function)) == sizes
