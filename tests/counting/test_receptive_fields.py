"""Receptive fields: published ones, and random networks against the pixels that change an output."""

import random

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick import summary_of

import zoo
from zoo.count import summarize

# Of the last feature map before the head; ResNet-50 with the stride in the 3x3, as in torchvision.
PUBLISHED = {"alexnet": 195, "vgg16": 212, "resnet50": 427, "inception_v3": 1311}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name):
    maps = [row for row in summary_of(name).rows if row.effective_stride[0]]
    assert max(row.receptive_field[0] for row in maps) == PUBLISHED[name]


def positive(features: int, kernel: tuple[int, int], **options) -> nn.Conv:
    return nn.Conv(features, kernel, use_bias=False, kernel_init=nn.initializers.ones, **options)


class Random(nn.Module):
    """A small network with positive weights, drawn from a seed; height and width differ."""

    seed: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        draw = random.Random(self.seed)

        def sizes(*choices: int) -> tuple[int, int]:
            return draw.choice(choices), draw.choice(choices)

        for _ in range(draw.randint(2, 4)):
            kind = draw.choice(["conv", "conv", "max", "avg", "branches", "residual", "pad"])
            if kind == "conv":
                pads = tuple((draw.randint(0, 2), draw.randint(0, 2)) for _ in range(2))
                x = positive(2, sizes(1, 2, 3, 4), strides=sizes(1, 2), padding=pads, kernel_dilation=sizes(1, 2))(x)
            elif kind == "max":
                x = nn.max_pool(x, sizes(1, 2, 3), sizes(1, 2), padding=((0, 1), (1, 0)))
            elif kind == "avg":
                x = nn.avg_pool(x, sizes(1, 2, 3), sizes(1, 2), padding="SAME")
            elif kind == "branches":
                one, other = (positive(2, sizes(1, 3, 5), padding="SAME")(x) for _ in range(2))
                x = jnp.concatenate([one, other], axis=-1)
            elif kind == "residual":
                x = x + positive(x.shape[-1], sizes(1, 3), padding="SAME")(x)
            else:
                x = jnp.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)))[:, 1::2]
        return x


def dependencies(model: nn.Module, shape: tuple[int, int], axis: int, position: tuple[int, int]) -> np.ndarray:
    """Rows (axis 0) or columns (axis 1) of the image that change the output at `position`, one at a time."""
    images = np.zeros((shape[axis], *shape, 1), np.float32)
    for i in range(shape[axis]):
        images[(i, i) if axis == 0 else (i, slice(None), i)] = 1
    images = jnp.asarray(images)
    variables = model.init(jax.random.key(0), images[:1])
    output = np.asarray(jax.jit(model.apply)(variables, images))
    return np.flatnonzero(output[:, position[0], position[1]].sum(axis=-1) > 0)


@pytest.mark.parametrize("seed", range(16))
def test_random_network_against_brute_force(seed):
    shape = (60, 52)
    last = summarize(Random(seed), (1, *shape, 1)).rows[-1]
    middle = (last.output_shape[1] // 2, last.output_shape[2] // 2)
    for axis in (0, 1):
        size, stride, offset = last.receptive_field[axis], last.effective_stride[axis], last.offset[axis]
        first = offset - (size - 1) / 2 + middle[axis] * stride
        assert first >= 0 and first + size <= shape[axis], "the image is too small for this test"
        pixels = dependencies(Random(seed), shape, axis, middle)
        assert (pixels[0], pixels[-1]) == (first, first + size - 1)


def test_transposed_convolution_against_brute_force():
    """The size differs between positions; the largest is given."""

    class Up(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = positive(1, (3, 3), padding="SAME")(x)
            up = nn.ConvTranspose(1, (4, 3), (2, 2), use_bias=False, kernel_init=nn.initializers.ones)
            return up(x)

    last = summarize(Up(), (1, 20, 20, 1)).rows[-1]
    assert [float(stride) for stride in last.effective_stride] == [0.5, 0.5]
    for axis in (0, 1):
        spans = [dependencies(Up(), (20, 20), axis, (i, i)) for i in range(16, 24)]
        assert max(pixels[-1] - pixels[0] + 1 for pixels in spans) == last.receptive_field[axis]


def test_misaligned_branches_are_reported():
    """TensorFlow's SAME padding puts a stride-2 3x3 one pixel right of a stride-2 1x1."""

    class Block(nn.Module):
        padding: str | int

        @nn.compact
        def __call__(self, x):
            return nn.Conv(4, (1, 1), 2)(x) + nn.Conv(4, (3, 3), 2, padding=self.padding)(x)

    (joined,) = summarize(Block("SAME"), (1, 8, 8, 3)).misaligned
    assert joined.operation == "add"
    assert joined.centres == ((0, 0), (1, 1))
    assert not summarize(Block(1), (1, 8, 8, 3)).misaligned
    assert "misaligned branches: add" in summarize(Block("SAME"), (1, 8, 8, 3)).to_text()


def test_concatenation_has_the_largest_receptive_field():
    class Block(nn.Module):
        @nn.compact
        def __call__(self, x):
            return jnp.concatenate([nn.Conv(2, (k, 1))(x) for k in (1, 7, 3)], axis=-1)

    last = summarize(Block(), (1, 12, 12, 3)).rows[-1]
    assert (last.operation, last.receptive_field) == ("concatenate", (7, 1))


def test_receptive_field_after_a_gate_is_the_whole_image():
    """Squeeze-and-excitation: after the gate each position depends on the whole image, and the stride stays."""

    class Gated(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.Conv(4, (3, 3), 2, padding=1)(x)
            return x * nn.sigmoid(nn.Dense(4)(x.mean(axis=(1, 2), keepdims=True)))

    last = summarize(Gated(), (1, 16, 16, 3)).rows[-1]
    assert last.receptive_field == (None, None)
    assert last.effective_stride == (2, 2)


def test_receptive_field_of_a_dense_layer_is_the_whole_image():
    rows = summarize(zoo.create_model("lenet5"), (1, 32, 32, 1)).rows
    by_path = {row.path: row for row in rows}
    assert by_path["c5/conv"].receptive_field == (32, 32)
    assert by_path["output"].receptive_field == (None, None)
