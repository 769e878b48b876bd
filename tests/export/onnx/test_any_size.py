"""What follows from the image size, as ONNX for any: resizes, and pools whose output has one size."""

from collections import Counter

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pytest
from export.onnx.user_cases.networks import Of, random_variables

from zoo.export import ExportOptions
from zoo.export.batch_shapes import example_shapes
from zoo.export.onnx.convert import onnx_model
from zoo.export.onnx.program import NoConversion
from zoo.layers import adaptive_avg_pool, max_pool

SHAPE = (12, 12, 3)
# Odd and even, larger and smaller than those that are traced, wide and tall.
SIZES = ((12, 12), (10, 31), (39, 13))


def resized(method, factor=2.0, **settings):
    def network(x):
        b, h, w, c = x.shape
        return jax.image.resize(x, (b, int(h * factor), int(w * factor), c), method, **settings)

    return network


def to_skip(method):
    """The sum of two maps, of which one is half as large, rounded up."""

    def network(x):
        smaller = nn.Conv(3, (3, 3), strides=2, name="conv")(x)
        return jax.image.resize(smaller, x.shape, method) + x

    return network


def corners_aligned(x):
    b, h, w, c = x.shape
    scale = jnp.array([(2 * n - 1) / (n - 1) for n in (h, w)])
    shape, translation = (b, 2 * h, 2 * w, c), (1 - scale) / 2
    return jax.image.scale_and_translate(x, shape, (1, 2), scale, translation, "linear", antialias=False)


ONE_RESIZE = {"Resize": 1, "MatMul": 0, "Gather": 0}
QUICK = {
    "cubic": (resized("cubic"), ONE_RESIZE),
    "adaptive_pool": (lambda x: adaptive_avg_pool(x, (3, 11)), {"MatMul": 2}),
}
SLOW = {
    "nearest": (resized("nearest"), ONE_RESIZE),
    "nearest_skip": (to_skip("nearest"), {"Resize": 0}),
    "linear": (resized("linear"), ONE_RESIZE),
    "linear_3": (resized("linear", 3), ONE_RESIZE),
    "linear_half": (resized("linear", 0.5), {"Resize": 1, "MatMul": 0}),
    "linear_half_aliased": (resized("linear", 0.5, antialias=False), {"Resize": 1, "MatMul": 0}),
    "linear_skip": (to_skip("linear"), {"Resize": 1, "MatMul": 0}),
    "cubic_half": (resized("cubic", 0.5), {"Resize": 1, "MatMul": 0}),
    "cubic_pytorch": (resized("cubic-pytorch", antialias=False), ONE_RESIZE),
    "nearest_half": (resized("nearest", 0.5), {"Resize": 0, "MatMul": 0}),
    "repeat": (lambda x: jnp.repeat(jnp.repeat(x, 2, axis=1), 3, axis=2), ONE_RESIZE),
    "corners_aligned": (corners_aligned, ONE_RESIZE),
    "fixed": (lambda x: jax.image.resize(x, (x.shape[0], 7, 9, 3), "linear"), {"Resize": 1}),
}
CASES = [pytest.param(*case, id=name) for name, case in QUICK.items()]
CASES += [pytest.param(*case, id=name, marks=pytest.mark.slow) for name, case in SLOW.items()]


@pytest.mark.parametrize(("network", "ops"), CASES)
def test_the_same_is_computed_at_any_size(network, ops):
    model = Of(network)
    variables = random_variables(model, jnp.zeros((1, *SHAPE)))

    def function(variables, images):
        return {"out": model.apply(variables, images)}

    proto = onnx_model(function, variables, example_shapes(ExportOptions(any_size=True), SHAPE))
    onnx.checker.check_model(proto, full_check=True)
    counts = Counter(node.op_type for node in proto.graph.node)
    assert {op: counts[op] for op in ops} == ops
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in SIZES:
        images = np.random.default_rng(2).standard_normal((2, *size, 3)).astype(np.float32)
        (found,) = session.run(None, {"images": images})
        np.testing.assert_allclose(found, function(variables, images)["out"], rtol=1e-5, atol=2e-5)


BY_SIZE = {
    "reduce_window_max": lambda x: max_pool(x, x.shape[1:3]),
    "reduce_window_sum": lambda x: nn.avg_pool(x, (x.shape[1] // 2, 3), (1, 1)),
    "split": lambda x: jnp.concatenate(jnp.split(x, (x.shape[1] // 2,), axis=1)[::-1], axis=1),
    "conv_general_dilated": lambda x: nn.Conv(3, (3, 3), kernel_dilation=x.shape[1] // 8, padding="VALID", name="conv")(
        x
    ),
}


@pytest.mark.parametrize("network", BY_SIZE.values(), ids=BY_SIZE)
def test_operations_whose_settings_follow_the_image_size_are_refused(network):
    model = Of(network)
    variables = random_variables(model, jnp.zeros((1, *SHAPE)))

    def function(variables, images):
        return {"out": model.apply(variables, images)}

    with pytest.raises(NoConversion, match="depends on the batch or the image size: export it with these fixed"):
        onnx_model(function, variables, example_shapes(ExportOptions(any_size=True), SHAPE))
