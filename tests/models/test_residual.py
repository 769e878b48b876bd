"""Options of residual networks: rematerialisation, small images, stochastic depth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.models.blocks.padded_shortcut import padded_shortcut
from zoo.models.blocks.residual import block_settings
from zoo.models.resnet import ResNet
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
    blocks = list(block_settings((2, 1, 1, 1), (1, 2, 3, 4), 0.4))
    assert [block.name for block in blocks] == ["conv2_1", "conv2_2", "conv3_1", "conv4_1", "conv5_1"]
    assert [block.stride for block in blocks] == [1, 1, 2, 2, 2]
    np.testing.assert_allclose([block.drop_rate for block in blocks], [0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize(("name", "parameters"), [("resnet20_cifar", 269_722), ("preresnet20_cifar", 269_722)])
def test_padded_shortcuts_have_no_parameters(name, parameters):
    """He et al. 2015, Table 6: 0.27 million. Two projections less, of 16 x 32 and 32 x 64 weights, and their norms."""
    model = zoo.create_model(name, shortcut="padding")
    assert zoo.count.summarize(model, (1, 32, 32, 3)).parameters == parameters


def test_a_padded_shortcut_is_every_second_position_and_zeros():
    x = jax.random.normal(jax.random.key(0), (2, 5, 6, 3))
    y = padded_shortcut(x, 8, 2)
    np.testing.assert_array_equal(y, np.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (0, 5))))


def test_as_many_widths_as_depths():
    with pytest.raises(zoo.ZooError, match="widths"):
        zoo.create_model("resnet18", depths=(1, 1)).init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
