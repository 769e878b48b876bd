"""Max pools with switches, and their unpooling: no operator of ONNX's, but comparisons and slices."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime

from zoo.export.onnx.convert import onnx_model
from zoo.kernels.max_pool import pool_with_switches, select_by_switches

GEOMETRY = {"window": (3, 3), "stride": (2, 2), "pads": ((0, 1), (0, 1))}


class Deconvnet(nn.Module):
    """A convolution, a pool, and the maxima at their positions: Zeiler and Fergus, arXiv:1311.2901."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), name="conv")(x)
        pooled, switches = pool_with_switches(x, **GEOMETRY)
        unpool = jax.linear_transpose(lambda values: select_by_switches(values, switches, **GEOMETRY), x)
        return {"pooled": pooled, "switches": switches, "unpooled": unpool(pooled)[0]}


def test_switches_and_unpooling():
    model = Deconvnet()
    images = np.random.default_rng(0).standard_normal((2, 9, 9, 3), np.float32)
    variables = model.init(jax.random.key(0), jnp.asarray(images))
    proto = onnx_model(model.apply, variables, [images.shape])
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    found = dict(zip((one.name for one in session.get_outputs()), session.run(None, {"images": images}), strict=True))
    for name, expected in model.apply(variables, images).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)
