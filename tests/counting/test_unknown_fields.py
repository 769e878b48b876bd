"""Receptive fields of whole modules, and of those that are not known: each is marked in all formats."""

import csv
import io
import json
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from jax import lax

from zoo.count import summarize
from zoo.layers import adaptive_avg_pool

IMAGE = (1, 32, 32, 1)


class MappedOverTheBatch(nn.Module):
    """A 3x5 kernel, applied image by image with lax.map."""

    @nn.compact
    def __call__(self, x):
        k = self.param("k", nn.initializers.ones, (3, 5, 1, 1))

        def one(image):
            return lax.conv_general_dilated(image[None], k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[
                0
            ]

        return lax.map(one, x)


class OwnKernels(nn.Module):
    """A 3x5 kernel for each image of the batch."""

    @nn.compact
    def __call__(self, x):
        k = self.param("k", nn.initializers.ones, (x.shape[0], 3, 5, x.shape[-1], 2))

        def one(image, kernel):
            return lax.conv_general_dilated(
                image[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )[0]

        return jax.vmap(one)(x, k)


class Between(nn.Module):
    """Two 3x3 convolutions with a function between them."""

    function: Callable

    @nn.compact
    def __call__(self, x):
        return nn.Conv(1, (3, 3))(self.function(nn.Conv(1, (3, 3))(x)))


def selected_rows(x):
    """Row i or its mirror image, by a constant that is repeated along the other axes."""
    return x * (jnp.arange(32) < 16)[:, None, None] + x[:, ::-1] * (jnp.arange(32) >= 16)[:, None, None]


FIELDS = {
    "field through lax.map (by the gradient of one output place)": (MappedOverTheBatch(), (1, 16, 16, 1), (3, 5)),
    "field of a ConvLSTM over 3 frames (time, height, width)": (
        nn.RNN(nn.ConvLSTMCell(1, (3, 3))),
        (1, 3, 16, 16, 1),
        (None, 7, 7),
    ),
    "field of an LSTM over 12 steps": (nn.RNN(nn.LSTMCell(2)), (1, 12, 3), (None,)),
    "field through nearest upsampling by two": (
        Between(lambda x: jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)),
        IMAGE,
        (4, 4),
    ),
    "field through a bilinear resize to twice the size": (
        Between(lambda x: jax.image.resize(x, (1, 64, 64, 1), "bilinear")),
        IMAGE,
        (5, 5),
    ),
    "field through adaptive_avg_pool 32 to 8": (Between(lambda x: adaptive_avg_pool(x, 8)), IMAGE, (14, 14)),
    "field through a reshape and back": (Between(lambda x: x.reshape(-1, 1).reshape(x.shape)), IMAGE, (5, 5)),
    "field of a convolution with REFLECT padding": (nn.Conv(1, (3, 3), padding="REFLECT"), IMAGE, (3, 3)),
    # Every output depends on all 12 steps, if the second direction reads them from the end.
    "field of an LSTM in both directions": (
        nn.Bidirectional(nn.RNN(nn.LSTMCell(2)), nn.RNN(nn.LSTMCell(2))),
        (1, 12, 3),
        (None,),
    ),
    "field of a sort": (Between(lambda x: jnp.sort(x, 1)), IMAGE, (None, 5)),
    "field of the largest": (Between(lambda x: lax.top_k(x.swapaxes(1, 3), 4)[0].swapaxes(1, 3)), IMAGE, (None, 5)),
    "field of attention": (nn.MultiHeadAttention(num_heads=1), (1, 12, 4), (None,)),
    "field of a branch that a constant chooses": (
        Between(lambda x: lax.cond(True, lambda: x, lambda: jnp.flip(x, 1))),
        IMAGE,
        (5, 5),
    ),
    "field of alternating branches of a loop": (
        Between(lambda x: lax.fori_loop(0, 4, lambda i, x: lax.cond(i % 2 == 0, lambda: x, lambda: x[:, ::-1]), x)),
        IMAGE,
        (5, 5),
    ),
    "field of a selection by a constant": (Between(lambda x: jnp.where(True, x, x[:, ::-1])), IMAGE, (5, 5)),
    "field of a sum of masked rows": (Between(selected_rows), IMAGE, (5, 5)),
    "field of a kernel for each image": (OwnKernels(), (4, 16, 18, 2), (3, 5)),
    "field in a batch without images": (nn.Conv(1, (3, 3)), (0, 16, 16, 1), (3, 3)),
    "field of a dilated convolution over time": (
        nn.Conv(2, (3,), kernel_dilation=4, padding="CAUSAL"),
        (1, 20, 3),
        (9,),
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_field(name):
    module, shape, field = FIELDS[name]
    last = summarize(module, shape).rows[-1]
    assert (last.receptive_field, last.receptive_field_exact) == (field, (True,) * len(field))


@pytest.mark.parametrize("wrap", [nn.WeightNorm, nn.SpectralNorm])
def test_a_norm_of_the_weights_makes_no_zeros(wrap):
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            arguments = {"update_stats": False} if wrap is nn.SpectralNorm else {}
            return wrap(nn.Conv(2, (3, 5)))(x, **arguments)

    last = summarize(Net(), IMAGE).rows[-1]
    assert (last.receptive_field, last.receptive_field_exact) == ((3, 5), (True, True))


def at_the_brightest(x):
    return lax.dynamic_slice_in_dim(x, jnp.argmax(x.sum((0, 2, 3))), 8, axis=1)


def window_attention(x):
    """Each row reads two rows before and after it: what is masked has a weight of zero, but is computed."""
    rows = jnp.arange(x.shape[1])
    near = jnp.abs(rows[:, None] - rows) <= 2
    scores = jnp.where(near[..., None], jnp.einsum("bhwc,bgwc->bhgw", x, x), -1e9)
    return jnp.einsum("bhgw,bgwc->bhwc", nn.softmax(scores, axis=2), x)


UNKNOWN = {
    "attention with a mask": (window_attention, ("?", "5")),
    "while": (lambda x: lax.while_loop(lambda x: x.sum() < 1, lambda x: jnp.roll(x, 1, 1), x), ("?", "?")),
    "callback": (lambda x: jax.pure_callback(lambda x: x, x, x), ("?", "?")),
    "slice at an index from the image": (at_the_brightest, ("?", "?")),
    "gather at indices from the image": (lambda x: x[:, jnp.argmax(x, axis=1)[0, :, 0]], ("?", "?")),
    "branch": (lambda x: lax.cond(x.sum() > 0, lambda: x, lambda: jnp.flip(x, 1)), ("?", "?")),
    "update at an index from the image": (
        lambda x: lax.dynamic_update_slice(x, x[:, :4], (0, jnp.argmax(x[0, :, 0, 0]), 0, 0)),
        ("?", "?"),
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_marked(name):
    function, shown = UNKNOWN[name]
    summary = summarize(Between(function), (1, 16, 16, 1))
    last = summary.rows[-1]
    assert last.receptive_field_exact == tuple("?" not in part for part in shown)
    assert all(size is None for size, part in zip(last.receptive_field, shown, strict=True) if part == "?")
    assert list(csv.DictReader(io.StringIO(summary.to_csv())))[-1]["receptive_field"] == "x".join(shown)
    cell = shown[0] if len(set(shown)) == 1 else "x".join(shown)
    assert f" {cell} " in summary.to_text() and f" {cell} " in summary.to_markdown()
    row = json.loads(summary.to_json())["rows"][-1]
    assert row["receptive_field_exact"] == list(last.receptive_field_exact)


def test_an_upper_bound_is_marked():
    """Ten rows, of which a slice at a random index reads one."""

    def one_of_ten(x):
        return lax.dynamic_slice_in_dim(
            x[:, 3:13], jnp.int32(jax.random.randint(jax.random.key(0), (), 0, 9)), 1, axis=1
        )

    last = summarize(Between(one_of_ten), (1, 32, 16, 1))
    row = last.rows[-1]
    assert (row.receptive_field, row.receptive_field_exact) == ((12, 5), (False, False))
    assert all("<=12x<=5" in text for text in (last.to_text(), last.to_markdown(), last.to_csv()))


def test_random_masks_are_not_taken_for_constants():
    """Dropout may keep any position."""

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Conv(1, (3, 3))(nn.Dropout(0.9, deterministic=False)(nn.Conv(1, (3, 3))(x)))

    last = summarize(Net(), IMAGE).rows[-1]
    assert (last.receptive_field, last.receptive_field_exact) == ((5, 5), (True, True))


def test_a_masked_kernel_over_a_narrow_map():
    """The taps to the left of the centre are over padding alone, and with them the centre's row."""

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            mask = jnp.ones((3, 3, 1, 1)).at[1, 1:].set(0).at[2].set(0)
            return nn.Conv(1, (3, 3), mask=mask)(x)

    wide, narrow = (summarize(Net(), (1, 8, width, 1)).rows[-1] for width in (8, 1))
    assert (wide.receptive_field[0], wide.receptive_field_exact[0]) == (2, True)
    assert (narrow.receptive_field[0], narrow.receptive_field_exact[0]) == (2, False)  # one row by the gradient


@pytest.mark.parametrize("method", ["nearest", "linear"])
def test_steps_of_an_upsampled_map(method):
    """Twice as many positions as pixels: the first half a pixel step lies a quarter of a pixel before pixel 0."""
    last = summarize(Between(lambda x: jax.image.resize(x, (1, 64, 64, 1), method)), IMAGE).rows[-1]
    assert (last.effective_stride, last.offset) == ((0.5, 0.5), (-0.25, -0.25))


def test_no_first_centre_where_steps_do_not_contain_the_fields():
    """Pages draw boxes of one size in steps; a position beside the border sees the other border."""
    last = summarize(Between(lambda x: jnp.pad(x, ((0, 0), (3, 3), (0, 0), (0, 0)), mode="reflect")), IMAGE).rows[-1]
    assert (last.receptive_field, last.offset) == ((5, 5), (None, 0))


def test_fields_of_an_upsampled_map_are_larger_than_the_image():
    """As those of other maps: the size includes padding, although positions beside a border see less."""

    def wide(x):
        x = nn.Conv(1, (2 * IMAGE[1] + 1, 1))(x)
        return nn.Conv(1, (3, 1))(jnp.repeat(x[:, ::2], 2, axis=1))

    last = summarize(Between(wide), IMAGE).rows[-1]
    assert last.receptive_field[0] == 2 * IMAGE[1] + 1 + 2 * 2 + 2
