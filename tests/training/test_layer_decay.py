"""Layer-wise decay of the learning rate: which layers there are, and by what their updates are multiplied."""

import flax.linen as nn
import jax
import numpy as np
import pytest

import zoo
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.training import Recipe, make_optimizer
from zoo.training.config.unused_settings import check_used
from zoo.training.finetune.layer_decay import layer_distances
from zoo.training.finetune.pretrained_backbone import check_trained_parts


def test_layers_are_counted_from_the_head_in_the_order_in_which_they_are_called():
    found = layer_distances(zoo.create_model("resnet18"))
    assert found == {
        "fc": 0,
        **{"conv5_2": 1, "conv5_1": 2, "conv4_2": 3, "conv4_1": 4, "conv3_2": 5, "conv3_1": 6},
        **{"conv2_2": 7, "conv2_1": 8, "conv1": 9},
    }
    # A network without a head: the last layer learns at the whole rate.
    found = layer_distances(zoo.create_model("lenet5_1998"))
    assert found == {"f6": 0, "c5": 1, "c3": 2, "s4": 2, "c1": 3, "s2": 3}


class Mixed(Network):
    """Norms beside the layers, a parameter of its own, and an auxiliary head in the middle."""

    image_shape: tuple[int, int, int] = (8, 8, 3)
    aux_heads: bool = True

    @nn.compact
    def __call__(self, x, *, train=False):
        x = x * self.param("scale", nn.initializers.ones, (3,))
        x = nn.LayerNorm(name="first_norm")(x)
        x = nn.LayerNorm(name="z_norm")(nn.Conv(4, (3, 3), name="z")(x))
        if self.aux_heads and (train or self.is_initializing()):
            nn.Dense(self.num_classes, name="aux")(x.mean((1, 2)))
        x = nn.LayerNorm(name="a_norm")(nn.Conv(4, (3, 3), name="a")(x))
        return self.classify(x.mean((1, 2)), "fc")


def test_norms_belong_to_the_layer_before_and_auxiliary_heads_are_heads():
    found = layer_distances(Mixed(num_classes=5))
    assert found == {"first_norm": 2, "z": 2, "z_norm": 2, "aux": 0, "a": 1, "a_norm": 1, "fc": 0}


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_updates_are_multiplied_by_the_decay_to_the_distance(optimizer):
    # timm: layer_decay ** (layers - 1 - index of the layer)
    network = Mixed(num_classes=5)
    params = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), init_shapes(network)["params"])

    def updates(**settings):
        recipe = Recipe(optimizer=optimizer, learning_rate=0.5, warmup_epochs=0, weight_decay=0.1, **settings)
        chosen = make_optimizer(recipe, 10, frozenset({"fc/kernel", "fc/bias"}), distances=layer_distances(network))
        return jax.device_get(jax.jit(lambda ones: chosen.update(ones, chosen.init(ones), ones)[0])(params))

    whole, decayed, both = updates(), updates(layer_decay=0.7), updates(layer_decay=0.7, backbone_rate=0.1)
    powers = {"fc": 0, "aux": 0, "a": 1, "a_norm": 1, "z": 2, "z_norm": 2, "first_norm": 2, "scale": 2}
    assert powers.keys() == whole.keys()
    for name, power in powers.items():
        rate = 1 if name == "fc" else 0.1
        leaves = (jax.tree.leaves(found[name]) for found in (decayed, both, whole))
        for ours, with_rate, plain in zip(*leaves, strict=True):
            np.testing.assert_allclose(ours, 0.7**power * plain, rtol=1e-5)
            np.testing.assert_allclose(with_rate, 0.7**power * rate * plain, rtol=1e-5)


class OneModule(Network):
    """Everything is in its head."""

    image_shape: tuple[int, int, int] = (8, 8, 3)

    @nn.compact
    def __call__(self, x, *, train=False):
        return self.classify(x.mean((1, 2)), "fc")


def test_where_it_would_have_no_effect_it_is_refused():
    with pytest.raises(zoo.ZooError, match="layer_decay has no effect: OneModule"):
        check_trained_parts(OneModule(num_classes=3), Recipe(layer_decay=0.7))
    check_trained_parts(OneModule(num_classes=3), Recipe())
    with pytest.raises(zoo.ZooError, match="distances=layer_distances"):
        make_optimizer(Recipe(layer_decay=0.7), 10)
    with pytest.raises(zoo.ZooError, match=r"layer_decay is 0\.0"):
        Recipe(layer_decay=0.0)
    check_used(Recipe(layer_decay=0.7), ["layer_decay"])
