"""Networks with nn.remat, nn.jit, nn.scan, nn.vmap, shared modules and several outputs: as without, or one line.

Expected values are those of the plain network, or of jax.grad on its parts written out.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from visualize.small_networks import variables_of

import zoo
from zoo import visualize
from zoo.report.learned.activations_by_name import apply_with_activations
from zoo.visualize.methods.named_layers import HIDDEN

SIZE = (10, 11, 3)
X = np.random.default_rng(0).normal(size=(2, *SIZE)).astype(np.float32)


class Block(nn.Module):
    """A convolution with an activation."""

    act: Any = nn.relu

    @nn.compact
    def __call__(self, x):
        return self.act(nn.Conv(4, (3, 3), name="conv")(x))


class BlockOfDecorated(nn.Module):
    """The same, its method decorated."""

    act: Any = nn.relu

    @nn.remat
    @nn.compact
    def __call__(self, x):
        return self.act(nn.Conv(4, (3, 3), name="conv")(x))


# Each made once: nn.jit keeps its traces.
BLOCKS = {
    "remat": nn.remat(Block),
    "jit": nn.jit(Block),
    "remat of jit": nn.remat(nn.jit(Block)),
    "jit of remat": nn.jit(nn.remat(Block)),
    "method": BlockOfDecorated,
}


class Net(nn.Module):
    """Two blocks and a classifier."""

    block: Any = Block
    act: Any = nn.relu
    image_shape: tuple = SIZE

    @nn.compact
    def __call__(self, x):
        x = self.block(act=self.act, name="b1")(x)
        x = self.block(act=self.act, name="b2")(x)
        return nn.Dense(3, name="fc")(x.mean((1, 2)))


VARIABLES = variables_of(Net(), SIZE)
METHODS = {
    "features": lambda net: [zoo.features(net, VARIABLES, X, ["b1"]), zoo.features(net, VARIABLES, X, ["b2/conv", ""])],
    "layer_shapes": lambda net: list(visualize.layer_shapes(net, VARIABLES, X).items()),
    "activations": lambda net: [visualize.activations(net, VARIABLES, X, layer) for layer in ("b2", "b1/conv")],
    "grad_cam": lambda net: [
        visualize.grad_cam(net, VARIABLES, X, 1, layer=layer) for layer in ("b2", "b1", "b1/conv")
    ],
    "saliency": lambda net: visualize.saliency(net, VARIABLES, X),
    "smoothgrad": lambda net: visualize.smoothgrad(net, VARIABLES, X, jax.random.key(0), samples=2),
    "integrated_gradients": lambda net: visualize.integrated_gradients(net, VARIABLES, X, 2, steps=9),
    "deconvnet": lambda net: visualize.deconvnet(net, VARIABLES, X, "b2", 1).pixels,
    "guided": lambda net: visualize.saliency(net, VARIABLES, X, 0, rule="guided"),
    "occlusion": lambda net: visualize.occlusion(net, VARIABLES, X[0], size=5, stride=5).activity,
    "maximize": lambda net: visualize.maximize(net, VARIABLES, "b2", 1, jax.random.key(0), steps=2).images,
    "top_activations": lambda net: visualize.top_activations(net, VARIABLES, X, "b1", 2).boxes,
    "survey": lambda net: dict(survey(net)),
}


def survey(net, x=X):
    variables = VARIABLES if isinstance(net, Net) else variables_of(net, SIZE)
    return jax.jit(lambda variables, x: apply_with_activations(net, variables, x).activations)(variables, x)


QUICK = {"features": ("remat", "jit"), "layer_shapes": ("remat of jit", "method"), "grad_cam": ("remat", "jit")}


@pytest.mark.parametrize("method", QUICK)
def test_a_transformed_block_changes_nothing(method):
    assert_same(method, QUICK[method])


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_no_transformation_changes_any_method(method):
    # Looks for garbage after each trace: a minute where other tests have left many objects.
    with jax.check_tracer_leaks(method != "survey"):
        assert_same(method, BLOCKS)


def assert_same(method, blocks):
    expected = METHODS[method](Net())
    for block in blocks:
        net = Net(block=BLOCKS[block])
        visualize.activations(net, VARIABLES, X[:, :8], "b1")  # nn.jit keeps this trace
        found = METHODS[method](net)
        if method == "layer_shapes":
            assert found == expected
        else:
            jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-5), found, expected)


@pytest.mark.parametrize("block", ["jit", pytest.param("remat", marks=pytest.mark.slow)])
def test_the_counts_and_boxes_of_a_transformed_block(block):
    """Counted twice, and after another network with the same class of blocks, whose trace nn.jit keeps."""
    expected = zoo.count.summarize(Net(), (1, *SIZE)).to_text()
    nn_of_one = nn.Sequential([nn.Conv(3, (1, 1)), BLOCKS[block](name="b0")])
    zoo.count.summarize(nn_of_one, (1, *SIZE))
    for _ in range(2):
        assert zoo.count.summarize(Net(block=BLOCKS[block]), (1, *SIZE)).to_text() == expected
    boxes = visualize.receptive_boxes(Net(block=BLOCKS[block]), SIZE, "b2", np.array([[3, 3]]))
    np.testing.assert_array_equal(boxes, [[1, 1, 6, 6]])  # two 3x3 convolutions: 5x5 around (3, 3)


def test_a_transformed_block_is_randomized():
    net, key = Net(block=BLOCKS["remat"]), jax.random.key(1)
    found, fresh = visualize.randomize_weights(net, VARIABLES, key, "b2"), zoo.init(net, key)
    expected = {"params": {**fresh["params"], "b1": VARIABLES["params"]["b1"]}}
    jax.tree.map(np.testing.assert_array_equal, found, expected)


class Scanned(nn.Module):
    """A block, then two repeated by nn.scan, then a classifier."""

    axes: tuple = ("params",)
    act: Any = nn.relu
    image_shape: tuple = SIZE

    @nn.compact
    def __call__(self, x):
        x = Block(self.act, name="first")(x)
        repeated = nn.scan(
            lambda block, x, _: (block(x), None),
            variable_axes=dict.fromkeys(self.axes, 0),
            split_rngs={"params": True},
            length=2,
        )
        x, _ = repeated(Block(self.act, name="repeated"), x, None)
        return nn.Dense(3, name="fc")(x.mean((1, 2)))


def unrolled(variables, x):
    """The maps of the first block, those of the repeated one, and the logits, written out."""
    params, maps = variables["params"], []

    def block(x, conv):
        x = jax.lax.conv_general_dilated(
            x, conv["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision="highest"
        )
        return jnp.maximum(x + conv["bias"], 0)

    first = x = block(x, params["first"]["conv"])
    for iteration in range(2):
        x = block(x, jax.tree.map(lambda leaf, iteration=iteration: leaf[iteration], params["repeated"]["conv"]))
        maps.append(x)
    return first, jnp.stack(maps), x.mean((1, 2)) @ params["fc"]["kernel"] + params["fc"]["bias"]


def test_a_scanned_network_is_drawn_as_it_is_applied():
    net, variables = Scanned(), variables_of(Scanned(), SIZE)
    expected = jax.jit(jax.grad(lambda x: unrolled(variables, x)[2][:, 1].sum()))(X)
    np.testing.assert_allclose(visualize.saliency(net, variables, X, 1), expected, atol=1e-5)
    first = jax.jit(unrolled)(variables, X)[0]
    np.testing.assert_allclose(zoo.features(net, variables, X, ["first"])["first"], first, atol=1e-5)
    assert visualize.grad_cam(net, variables, X, 1, layer="first").shape == (2, 10, 11)
    for method in (visualize.grad_cam, lambda *args: visualize.occlusion(*args[:2], X[0])):
        with pytest.raises(zoo.ZooError, match=r"repeated.*nn\.scan"):  # not an earlier layer in silence
            method(net, variables, X)
    assert list(survey(net)) == ["first"]


def test_a_layer_in_a_scan_is_hidden_or_all_iterations_at_once():
    variables = variables_of(Scanned(), SIZE)
    for call in (zoo.features, lambda *args: visualize.activations(*args[:3], args[3][0])):
        with pytest.raises(zoo.ZooError, match=r"repeated/conv.*Scanned.*nn\.scan"):
            call(Scanned(), variables, X, ["repeated/conv"])
    lifted = Scanned(axes=("params", "intermediates"))
    found = zoo.features(lifted, variables, X, ["repeated"])["repeated"]
    np.testing.assert_allclose(found, jax.jit(unrolled)(variables, X)[1], atol=1e-5)
    for method in (visualize.activations, lambda *args: visualize.deconvnet(*args, 0, rule="gradient")):
        with pytest.raises(zoo.ZooError, match=r"repeated.*nn\.scan"):
            method(lifted, variables, X, "repeated")


def test_weights_in_a_scan_are_randomized_with_the_layer():
    net, variables = Scanned(), variables_of(Scanned(), SIZE)
    found = visualize.randomize_weights(net, variables, jax.random.key(1), "repeated")["params"]
    assert np.array_equal(found["first"]["conv"]["kernel"], variables["params"]["first"]["conv"]["kernel"])
    for changed in ("repeated", "fc"):
        old, new = variables["params"][changed], found[changed]
        assert not any(np.array_equal(*pair) for pair in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True))


class Mapped(nn.Module):
    """Two blocks side by side by nn.vmap, whose maps are added."""

    @nn.compact
    def __call__(self, x):
        mapped = nn.vmap(Block, in_axes=None, variable_axes={"params": 0}, split_rngs={"params": True}, axis_size=2)
        return nn.Dense(3, name="fc")(mapped(name="pair")(x).sum(0).mean((1, 2)))


def test_a_layer_in_a_vmap_is_hidden():
    variables = variables_of(Mapped(), SIZE)
    assert visualize.saliency(Mapped(), variables, X, 1).shape == X.shape
    assert visualize.layer_shapes(Mapped(), variables, X) == {
        **dict.fromkeys(("pair/conv", "pair"), HIDDEN),
        "fc": (2, 3),
        "": (2, 3),
    }
    with pytest.raises(zoo.ZooError, match=r"pair.*nn\.vmap"):
        zoo.features(Mapped(), variables, X, ["pair"])


class Shared(nn.Module):
    """One convolution, applied twice: the second time to maps of another size."""

    conv_class: Any = nn.Conv
    stride: int = 1

    @nn.compact
    def __call__(self, x):
        conv = self.conv_class(3, (3, 3), name="conv")
        x = nn.relu(conv(x))[:, :: self.stride, :: self.stride]
        return nn.Dense(3, name="fc")(nn.relu(conv(x)).mean((1, 2)))


@pytest.mark.parametrize(("conv_class", "stride"), [(nn.Conv, 2), (nn.remat(nn.Conv), 1), (nn.jit(nn.Conv), 2)])
def test_of_a_layer_that_is_called_twice_the_first_call_is_meant(conv_class, stride):
    net = Shared(conv_class, stride)
    variables = variables_of(Shared(), SIZE)
    kernel, bias = (variables["params"]["conv"][name] for name in ("kernel", "bias"))

    def conv(x):
        dimensions = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dimensions) + bias

    def logit(first):
        second = nn.relu(conv(nn.relu(first)[:, ::stride, ::stride]))
        return (second.mean((1, 2)) @ variables["params"]["fc"]["kernel"] + variables["params"]["fc"]["bias"])[:, 1]

    first = np.asarray(jax.jit(conv)(X))
    gradient = jax.jit(jax.grad(lambda first: logit(first).sum()))(first)
    weights = np.asarray(gradient).mean((1, 2), keepdims=True)
    np.testing.assert_allclose(zoo.features(net, variables, X, ["conv"])["conv"], first, atol=1e-5)
    found = visualize.grad_cam(net, variables, X, 1, layer="conv")
    np.testing.assert_allclose(found, np.maximum((weights * first).sum(-1), 0), atol=1e-5)


class Two(nn.Module):
    """Returns its maps and their mean."""

    @nn.compact
    def __call__(self, x):
        maps = nn.Conv(3, (3, 3), name="conv")(x)
        return maps, maps.mean((1, 2))


class WithTwo(nn.Module):
    """A module that returns two arrays; so does the network, if `both`."""

    both: bool = False

    @nn.compact
    def __call__(self, x):
        maps, means = Two(name="two")(x)
        logits = nn.Dense(3, name="fc")(means)
        return (logits, maps) if self.both else logits


def test_a_module_that_returns_two_arrays():
    net, variables = WithTwo(), variables_of(WithTwo(), SIZE)
    maps, means = zoo.features(net, variables, X, ["two"])["two"]
    np.testing.assert_allclose(maps.mean((1, 2)), means, atol=1e-6)
    for method in (visualize.activations, lambda *args: visualize.deconvnet(*args, 0, rule="gradient")):
        with pytest.raises(zoo.ZooError, match=r"two of WithTwo"):
            method(net, variables, X, "two")
    assert visualize.grad_cam(net, variables, X, 1).shape == (2, 10, 11)


def test_a_network_that_returns_two_arrays():
    net, variables = WithTwo(both=True), variables_of(WithTwo(), SIZE)
    calls = (visualize.saliency, visualize.grad_cam, visualize.integrated_gradients)
    for call in (*calls, lambda *args: visualize.occlusion(*args[:2], X[0], 1)):
        with pytest.raises(zoo.ZooError, match="not one array"):
            call(net, variables, X, 1)
    assert visualize.activations(net, variables, X, "two/conv").shape == (2, 10, 11, 3)


def test_a_layer_that_runs_only_in_training_is_unknown():
    class Auxiliary(nn.Module):
        @nn.compact
        def __call__(self, x, train=False):
            if train or self.is_initializing():
                nn.Dense(3, name="aux")(x.mean((1, 2)))
            return nn.Dense(3, name="fc")(x.mean((1, 2)))

    variables = variables_of(Auxiliary(), SIZE)
    with pytest.raises(zoo.ZooError, match="no layer 'aux'"):
        zoo.features(Auxiliary(), variables, X, ["aux"])


def test_a_network_that_trains_by_default_is_one_line():
    class Training(nn.Module):
        @nn.compact
        def __call__(self, x, train=True):
            x = nn.BatchNorm(use_running_average=not train, name="bn")(x)
            return nn.Dense(3, name="fc")(nn.Dropout(0.5, deterministic=not train)(x).mean((1, 2)))

    variables = Training().init({"params": jax.random.key(0), "dropout": jax.random.key(0)}, X)
    for call in (zoo.features, lambda *args: visualize.saliency(*args[:3], 1)):
        with pytest.raises(zoo.ZooError, match=r"Training .*inference"):
            call(Training(), variables, X, ["fc"])
    with pytest.raises(zoo.ZooError, match=r"Net .*\(2, 10, 11, 5\)"):
        zoo.features(Net(), VARIABLES, np.ones((2, 10, 11, 5), np.float32), ["fc"])


def test_other_collections_are_not_randomized():
    class Sows(nn.Module):
        image_shape: tuple = SIZE

        @nn.compact
        def __call__(self, x):
            self.sow("losses", "mean", x.mean())
            return nn.Dense(3, name="fc")(x.mean((1, 2)))

    variables = Sows().init(jax.random.key(0), X[:1])
    found = visualize.randomize_weights(Sows(), variables, jax.random.key(1), "fc")
    assert found["losses"] == variables["losses"]
    assert not np.array_equal(found["params"]["fc"]["kernel"], variables["params"]["fc"]["kernel"])


def test_what_the_variables_hold_of_an_earlier_call_is_not_captured_again():
    net = Net()
    _, state = net.apply(VARIABLES, X + 1, capture_intermediates=True, mutable=["intermediates"])
    found = zoo.features(net, {**VARIABLES, **state}, X, ["b1"])["b1"]
    np.testing.assert_array_equal(found, zoo.features(net, VARIABLES, X, ["b1"])["b1"])


def grad_cam_with_remat():
    """Grad-CAM of a network with remat=True is that of the network without."""
    made = {"num_classes": 5, "image_shape": (32, 32, 3), "small_images": True}
    plain, remat = zoo.create_model("resnet18", **made), zoo.create_model("resnet18", **made, remat=True)
    variables, x = zoo.init(plain, jax.random.key(0)), np.ones((1, 32, 32, 3), np.float32)
    return bool(
        np.allclose(visualize.grad_cam(plain, variables, x, 1), visualize.grad_cam(remat, variables, x, 1), atol=1e-5)
    )


def pictures_of_a_scanned_network():
    """A network that repeats a layer with nn.scan can be drawn, as it can be applied."""

    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            return nn.relu(nn.Conv(3, (3, 3))(x)), None

    class Repeated(nn.Module):
        @nn.compact
        def __call__(self, x):
            repeated = nn.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=2)
            x, _ = repeated(name="layers")(x, None)
            return nn.Dense(3)(x.mean((1, 2)))

    x = jnp.ones((1, 12, 12, 3))
    return visualize.saliency(Repeated(), Repeated().init(jax.random.key(0), x), x, 1) is not None


@pytest.mark.slow
def test_grad_cam_with_remat():
    assert grad_cam_with_remat()


def test_pictures_of_a_scanned_network():
    assert pictures_of_a_scanned_network()
