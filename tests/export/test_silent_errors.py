"""What a check of random images could miss: other sizes, other images, and values that compare as equal to none."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest
from export.small_networks import variables_of

from zoo.errors import ZooError
from zoo.export import ExportOptions, to_onnx
from zoo.export.batch_shapes import checked_shapes, example_shapes
from zoo.export.check import check_file
from zoo.export.exportable import exportable

SHAPE = (9, 8, 3)


class Windows(nn.Module):
    """A convolution with a stride larger than its kernel, or a pool after one of single pixels."""

    kind: str
    size: int
    stride: int

    @nn.compact
    def __call__(self, x):
        size, strides = (self.size,) * 2, (self.stride,) * 2
        if self.kind == "conv":
            return nn.Conv(4, size, strides, name="conv")(x)
        pool = nn.max_pool if self.kind == "max" else nn.avg_pool
        return pool(nn.Conv(4, (1, 1), name="conv")(x), size, strides, "SAME")


class Standardized(nn.Module):
    """A layer norm whose variance has a minimum, which noise exceeds."""

    minimum: float

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(8, (1, 1), name="conv")(x).reshape(x.shape[0], -1, 8)
        difference = x - x.mean(-1, keepdims=True)
        variance = (difference**2).mean(-1, keepdims=True)
        return difference * jax.lax.rsqrt(jnp.maximum(variance, self.minimum) + 1e-6)


def assert_same(path, model, variables, images):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images})
    np.testing.assert_allclose(found, model.apply(variables, images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kind", "size", "stride"), [("conv", 2, 3), ("max", 2, 3)])
def test_padding_that_most_sizes_do_not_have(tmp_path, kind, size, stride):
    model, path = Windows(kind, size, stride), tmp_path / "net.onnx"
    variables = variables_of(model, SHAPE)
    to_onnx(model, variables, path, image_shape=SHAPE, options=ExportOptions(any_size=True))
    assert_same(path, model, variables, np.random.default_rng(3).standard_normal((2, 10, 13, 3), np.float32))


@pytest.mark.parametrize(("kind", "size", "stride"), [("average", 2, 3), ("max", 3, 4)])
def test_pools_that_some_sizes_alone_would_compute_are_refused(tmp_path, kind, size, stride):
    model = Windows(kind, size, stride)
    with pytest.raises(ZooError, match="fixed size"):
        options = ExportOptions(any_size=True)
        to_onnx(model, variables_of(model, SHAPE), tmp_path / "net.onnx", image_shape=SHAPE, options=options)
    assert not list(tmp_path.iterdir())


def test_a_minimum_of_the_variance_stays(tmp_path):
    model, path = Standardized(0.1), tmp_path / "net.onnx"
    variables = variables_of(model, SHAPE)
    to_onnx(model, variables, path, image_shape=SHAPE)
    dim = np.random.default_rng(3).standard_normal((2, *SHAPE), np.float32) * np.float32(0.01)
    assert_same(path, model, variables, dim)


def test_checks_are_with_sizes_that_were_not_traced():
    options = ExportOptions(any_size=True)
    assert not {*checked_shapes(options, SHAPE, 1)} & {*example_shapes(options, SHAPE)}
    assert checked_shapes(ExportOptions(), SHAPE, 1)[1] not in example_shapes(ExportOptions(), SHAPE)


@pytest.mark.parametrize("wrong", [0, 1])
def test_nan_is_an_error_wherever_it_is(wrong):
    """`max` passes over NaN behind a number."""
    model = Windows("conv", 1, 1)
    variables = variables_of(model, SHAPE)
    network, batches = exportable(model, variables, SHAPE, None, ()), []

    def served(images):
        batches.append(np.asarray(model.apply(variables, images)))
        return {"logits": batches[-1] * (np.nan if len(batches) - 1 == wrong else 1)}

    with pytest.raises(ZooError, match="nan"):
        check_file(served, network, ExportOptions(), ((1, *SHAPE), (2, *SHAPE)), "a test")
