"""Pyramids without another library: what they are made of, dilation, frozen stages, networks of one's own.

`tests/parity/test_feature_pyramids.py` compares the maps with timm's.
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick import computed, drawn, shapes_of

import zoo
from zoo.inference.feature_pyramid import FeatureMap
from zoo.runtime.jit_once import jit_once

# A ResNet with a block per stage.
LAYERS = ("conv1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
tiny = partial(zoo.feature_pyramid, "resnet18", depths=(1, 1, 1, 1), widths=(8, 10, 12, 14), layers=LAYERS)
IMAGES = np.random.default_rng(0).normal(size=(2, 64, 96, 3)).astype(np.float32)
# Max pools between their stages, or resolutions side by side.
NOT_DILATED = (
    "alexnet",
    "zfnet",
    "nin",
    "squeezenet",
    "vgg",
    "inception_v",
    "inception_resnet",
    "googlenet",
    "nasnet",
    "pnasnet",
    "hrnet",
    "dla",
    "ese_vovnet",
)


def not_dilated(name):
    """Xception has max pools, as its elder relatives; Aligned Xception has none."""
    return name.startswith(NOT_DILATED) or name in ("xception", "xception_keras")


class UserNet(nn.Module):
    """A network of a user, with the convolutions of Flax, and no stages."""

    num_classes: int = 10
    remat: bool = False

    @nn.compact
    def __call__(self, x, train=False):
        block = nn.remat(Block) if self.remat else Block
        for stage in range(1, 6):
            x = block(name=f"stage{stage}")(x)
        return nn.Dense(self.num_classes, name="head")(x.mean((1, 2)))


class Block(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Conv(4, (3, 3), 2, name="conv")(x)


STAGES = tuple(f"stage{stage}" for stage in range(1, 6))


@pytest.fixture(scope="module")
def user_net():
    zoo.register(zoo.ModelInfo(name="net_without_stages", build=UserNet, input_size=64))
    return "net_without_stages"


def test_maps_are_the_features_of_the_network():
    pyramid = tiny(out_indices=(1, 3, -1))
    network = pyramid.network
    variables = drawn(network, (64, 96, 3))
    ours = pyramid.variables_of(variables)
    assert sorted(ours["params"]) == sorted(LAYERS)  # without the head
    assert jax.tree.map(jnp.shape, zoo.models.variables.init_shapes(pyramid)) == jax.tree.map(jnp.shape, ours)
    maps, features = jit_once(lambda x: (pyramid.apply(ours, x), zoo.features(network, variables, x, LAYERS)))(IMAGES)
    for one, layer in zip(maps, ("conv2_1", "conv4_1", "conv5_1"), strict=True):
        np.testing.assert_array_equal(one, features[layer])
    assert pyramid.maps[1] == FeatureMap("conv4_1", channels=12, stride=16)
    assert pyramid.channels == (8, 12, 14) and pyramid.strides == (4, 16, 32)


def test_what_comes_after_the_last_map_is_not_initialised():
    pyramid = tiny(out_indices=(0, 2))
    assert sorted(zoo.models.variables.init_shapes(pyramid)["params"]) == ["conv1", "conv2_1", "conv3_1"]


WITHOUT_MEANS = (
    "resnet18",
    "resnet50",
    "resnet50d",
    "densenet121",
    "mobilenet_v1",
    "shufflenet_v2_x0_5",
    "convnext_atto",
)


@pytest.mark.parametrize(
    "make",
    [
        tiny,
        *(pytest.param(partial(zoo.feature_pyramid, name), id=name, marks=pytest.mark.slow) for name in WITHOUT_MEANS),
    ],
)
def test_dilated_maps_have_the_values_of_the_others_between_new_ones(make):
    """The algorithme à trous, exact where no gate and no norm takes means over all positions."""
    dilated, plain = make((-3, -2, -1), 8), make((-3, -2, -1))
    assert dilated.strides == (8, 8, 8) and plain.strides == (8, 16, 32)
    variables = plain.variables_of(drawn(plain.network, (64, 64, 3)))
    both = jit_once(lambda x: (dilated.apply(variables, x), plain.apply(variables, x)))(IMAGES[:1, :, :64])
    for every, ours, theirs in zip((1, 2, 4), *both, strict=True):
        np.testing.assert_allclose(ours[:, ::every, ::every], theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("name", computed(zoo.list_models(), {"lenet5"}))
def test_every_network_has_a_pyramid(name):
    pyramid = zoo.feature_pyramid(name)
    assert list(pyramid.strides) == sorted(set(pyramid.strides))
    info = zoo.model_info(name)
    image = jax.ShapeDtypeStruct((1, info.input_size + 5, info.input_size + 37, info.channels), jnp.float32)
    maps = jax.eval_shape(pyramid.apply, pyramid.variables_of(shapes_of(name)), image)
    assert tuple(one.shape[-1] for one in maps) == pyramid.channels
    assert [32 // stride for stride in pyramid.strides] == [one.shape[2] - one.shape[1] for one in maps]


@pytest.mark.slow
@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("name", zoo.list_models())
def test_every_network_has_an_output_stride_or_says_why_not(name, output_stride):
    largest = max(zoo.feature_pyramid(name).strides)
    if not_dilated(name) and largest > output_stride:
        with pytest.raises(
            zoo.ZooError, match=f"{name} cannot have an output_stride of {output_stride}: (a max pool|its resolutions)"
        ):
            zoo.feature_pyramid(name, output_stride=output_stride)
    else:
        assert max(zoo.feature_pyramid(name, output_stride=output_stride).strides) == min(output_stride, largest)


class Detector(nn.Module):
    """A detector in short: a head on each map."""

    backbone: nn.Module

    @nn.compact
    def __call__(self, x, train=False):
        return [nn.Conv(1, (1, 1), name=f"head{i}")(one) for i, one in enumerate(self.backbone(x, train=train))]


def one_step(remat, variables):
    """The gradient and the new batch statistics of a detector whose first two stages are frozen."""
    detector = Detector(tiny(frozen_stages=2, output_stride=16, remat=remat))

    def loss(params):
        outputs, updated = detector.apply({**variables, "params": params}, IMAGES, train=True, mutable=["batch_stats"])
        return sum((one**2).mean() for one in outputs), updated["batch_stats"]["backbone"]

    return jit_once(jax.grad(loss, has_aux=True))(variables["params"])


@pytest.mark.slow
def test_a_detector_trains_what_is_not_frozen():
    """Also with remat, which changes nothing."""
    variables = drawn(Detector(tiny()), (64, 96, 3))
    gradient, statistics = one_step(False, variables)
    assert set(gradient["backbone"]) == set(LAYERS)
    for layer in LAYERS:
        learns = layer not in LAYERS[:2]
        assert changed(statistics[layer], variables["batch_stats"]["backbone"][layer]) == learns
        assert any(np.any(leaf) for leaf in jax.tree.leaves(gradient["backbone"][layer])) == learns
    again = one_step(True, variables)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5), again, (gradient, statistics))


def changed(after, before):
    return any(np.any(a != b) for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(before), strict=True))


def test_maps_have_the_type_of_the_network():
    pyramid = tiny(dtype=jnp.bfloat16)
    shapes = jax.eval_shape(pyramid.apply, zoo.models.variables.init_shapes(pyramid), IMAGES)
    assert {one.dtype for one in shapes} == {jnp.dtype("bfloat16")}


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_make_their_pyramid(channels):
    network = zoo.create_model("resnet20_cifar", num_classes=3)
    weights = zoo.weights.Weights(
        model="resnet20_cifar",
        variables=drawn(network, (32, 32, channels)),
        preprocessing=zoo.data.Preprocessing(
            image_shape=(32, 32, channels), mean=(0.5,) * channels, std=(0.25,) * channels
        ),
        fields={"num_classes": 3},
    )
    pyramid, variables = weights.feature_pyramid((0, 2))
    assert pyramid.strides == (1, 4) and "fc" not in variables["params"]
    np.testing.assert_array_equal(
        variables["params"]["conv1"]["conv"]["kernel"], weights.variables["params"]["conv1"]["conv"]["kernel"]
    )
    with pytest.raises(zoo.ZooError, match="no variables of this ResNet: it has others of batch_stats/conv1"):
        tiny().variables_of(weights.variables)


def test_networks_of_ones_own(user_net):
    pyramid = zoo.feature_pyramid(user_net, layers=STAGES, remat=True)
    assert pyramid.strides == (2, 4, 8, 16, 32) and pyramid.channels == (4,) * 5
    maps = jax.eval_shape(pyramid.apply, zoo.models.variables.init_shapes(pyramid), IMAGES)
    assert [one.shape[1] for one in maps] == [32, 16, 8, 4, 2]
    for settings, message in (
        ({}, "layers of net_without_stages at each resolution are not known: name them, as in layers="),
        ({"layers": STAGES, "output_stride": 8}, "cannot have an output_stride of 8: stage4 has strides that are not"),
        ({"layers": ("stage2", "stage1")}, "does not compute its layers in the order stage2, stage1"),
        ({"layers": ("stage1", "stage9")}, "has no layer 'stage9'; did you mean stage"),
        ({"layers": ("stage1", "head")}, "the output of head is no map"),
    ):
        with pytest.raises(zoo.ZooError, match=message):
            zoo.feature_pyramid(user_net, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output_stride": 4}, "output_stride is 4: it is 8, 16 or 32"),
        ({"out_indices": 4}, "out_indices is 4: give several"),
        ({"out_indices": (1, 5)}, "and resnet18 has 5 maps: 0 to 4"),
        ({"out_indices": (2, 1)}, "give each map once, in increasing order"),
        ({"out_indices": (0, 1), "frozen_stages": 3}, "frozen_stages is 3: resnet18 has 2 stages"),
        ({"layers": ("conv1", "conv5_1"), "output_stride": 8}, "no layer at each resolution, but at strides of 2, 32"),
        ({"layers": ("conv1", "conv2_2")}, "has no layer 'conv2_2'"),
    ],
    ids=str,
)
def test_wrong_settings_are_one_line(settings, message):
    with pytest.raises(zoo.ZooError, match=message) as error:
        tiny(**settings)
    assert "\n" not in str(error.value)


def test_a_max_pool_has_no_dilation():
    with pytest.raises(zoo.ZooError, match="vgg11 cannot have an output_stride of 8: a max pool has no dilation"):
        zoo.feature_pyramid("vgg11", output_stride=8)
