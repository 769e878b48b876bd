"""Pixels are no input of a network: integers are refused when it is traced."""

import flax.linen as nn
import jax
import numpy as np
import pytest

import zoo
from zoo.models.network import Network
from zoo.models.variables import init_shapes

PIXELS = np.zeros((1, 32, 32, 3), np.uint8)


class OfAUser(Network):
    """With the layers of Flax, which take integers."""

    @nn.compact
    def __call__(self, images, *, train=False):
        return self.classify(nn.Conv(2, (3, 3))(images).mean((1, 2)), "classifier")


MODEL = OfAUser(num_classes=2)
VARIABLES = zoo.init(MODEL, jax.random.key(0), (32, 32, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda: MODEL.apply(VARIABLES, PIXELS),
        lambda: MODEL.apply(VARIABLES, images=PIXELS, train=False),
        lambda: MODEL.apply(VARIABLES, PIXELS > 0),
        lambda: MODEL.init(jax.random.key(0), PIXELS.astype(np.int32)),
        lambda: jax.eval_shape(jax.jit(MODEL.apply), VARIABLES, PIXELS),
        lambda: nn.remat(OfAUser)(num_classes=2).apply(VARIABLES, PIXELS),
        lambda: zoo.features(MODEL, VARIABLES, PIXELS, ["classifier"]),
        lambda: zoo.count.summarize(MODEL, PIXELS.shape, dtype=np.uint8),
    ],
)
def test_integers_are_an_error_that_says_what_to_do(call):
    with pytest.raises(zoo.ZooError, match=r"OfAUser.* (uint8|int32|bool).*weights\.preprocess"):
        call()


def test_floats_of_any_size_are_taken():
    for dtype in (np.float32, np.float16, jax.numpy.bfloat16):
        assert MODEL.apply(VARIABLES, PIXELS.astype(dtype), train=np.bool_(False)).shape == (1, 2)


@pytest.mark.parametrize("name", ["lenet5", "googlenet"])
def test_networks_of_the_zoo(name):
    model = zoo.create_model(name)
    pixels = jax.ShapeDtypeStruct((1, *model.image_shape), np.uint8)
    with pytest.raises(zoo.ZooError, match=r"uint8.*weights\.preprocess"):
        jax.eval_shape(model.apply, init_shapes(model), pixels)
