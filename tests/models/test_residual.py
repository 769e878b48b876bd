"""Options of residual networks: rematerialisation, small images, stochastic depth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.models.resnet import ResNet, block_settings
from zoo.models.resnet_v2 import ResNetV2
from zoo.models.variables import init_shapes

SHALLOW = (1, 1, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("network", [ResNet, ResNetV2])
def test_remat_changes_neither_names_nor_gradients(network):
    x = jax.random.normal(jax.random.key(0), (2, 16, 16, 3))

    def gradient(variables, remat):
        model = network(num_classes=3, depths=SHALLOW, small_images=True, stochastic_depth=0.5, remat=remat)

        def loss(params):
            state = {**variables, "params": params}
            rngs = {"dropout": jax.random.key(1)}
            logits, _ = model.apply(state, x, train=True, rngs=rngs, mutable=["batch_stats"])
            return jnp.square(logits).mean()

        return jax.jit(jax.grad(loss))(variables["params"])

    variables = zoo.init(network(num_classes=3, depths=SHALLOW, small_images=True), jax.random.key(2), x.shape[1:])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        gradient(variables, False),
        gradient(variables, True),
    )


@pytest.mark.parametrize("name", ["resnet18", "resnet50v2"])
def test_small_images_keep_their_resolution_in_the_stem(name):
    model = zoo.create_model(name, num_classes=10, small_images=True)
    x = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    stages = zoo.model_info(name).stages
    shapes = init_shapes(model, (32, 32, 3))
    found = jax.eval_shape(lambda variables, x: zoo.features(model, variables, x, stages), shapes, x)
    assert [found[stage].shape[1] for stage in stages] == [32, 32, 16, 8, 4]


def test_stochastic_depth_grows_linearly_over_all_blocks():
    blocks = list(block_settings((2, 1, 1, 1), 0.4))
    assert [block.name for block in blocks] == ["conv2_1", "conv2_2", "conv3_1", "conv4_1", "conv5_1"]
    assert [block.stride for block in blocks] == [1, 1, 2, 2, 2]
    np.testing.assert_allclose([block.drop_rate for block in blocks], [0, 0.1, 0.2, 0.3, 0.4])
