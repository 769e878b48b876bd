"""`remat` does not change the gradients: small networks of the families that have it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_layers import random
from quick import drawn

from zoo.models.convnext import ConvNeXt
from zoo.models.densenet import DenseNet
from zoo.models.regnet import RegNet, StageWidths

SMALL = {
    "densenet": lambda **fields: DenseNet(depths=(2,), growth=4, small_images=True, dropout=0.2, **fields),
    "regnet": lambda **fields: RegNet(stages=(StageWidths(2, 8, 4),), squeeze=True, **fields),
    "convnext": lambda **fields: ConvNeXt(depths=(2,), widths=(8,), stochastic_depth=0.5, **fields),
}


@pytest.mark.parametrize(
    "family", ["regnet", *(pytest.param(name, marks=pytest.mark.slow) for name in ("densenet", "convnext"))]
)
def test_gradients_are_the_same_with_remat(family):
    x = random(4, 16, 16, 3)
    variables = drawn(SMALL[family](num_classes=5), x.shape[1:])

    def gradient(remat):
        model = SMALL[family](num_classes=5, remat=remat)

        def loss(params):
            rngs = {"dropout": jax.random.key(2)}
            logits, _ = model.apply({**variables, "params": params}, x, train=True, rngs=rngs, mutable=["batch_stats"])
            return jnp.square(logits).mean()

        # Batch norm has a checkpoint of its own, with prevent_cse=False.
        assert ("prevent_cse=True" in str(jax.make_jaxpr(loss)(variables["params"]))) == remat
        return jax.jit(jax.grad(loss))(variables["params"])

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), gradient(False), gradient(True))
