"""Batch norm folded into convolutions: the same logits from a network without it."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick import computed, drawn, smallest_of

import zoo
from zoo.layers import ConvBlock, batch_norm, global_avg_pool
from zoo.models.blocks.parallel_convolutions import ParallelConvolutions
from zoo.models.network import FoldableNetwork, Network
from zoo.models.variables import init_shapes
from zoo.runtime.jit_once import jit_once
from zoo.training.finetune.pretrained_backbone import fields_of
from zoo.weights import Weights, fold_batchnorm, from_torch, load, reparametrize, save, to_keras, to_torch
from zoo.weights.convert import read_weights, write_weights
from zoo.weights.files import default_preprocessing
from zoo.weights.fold import batch_norms, fold_weights

# Where a norm follows no convolution.
PRE_ACTIVATION = [
    name
    for family in (
        "densenet*",
        "resnet*v2",
        "preresnet*",
        "wrn_*",
        "pyramidnet*",
        "dpn*",
        "inception_next*",
        "starnet*",
        "airbench*",  # a pool is between convolution and norm
    )
    for name in zoo.list_models(family)
]
WITHOUT_NORM = [
    *("alexnet", "alexnet_2012", "zfnet", "nin", "nin_cifar10", "googlenet"),
    *(
        name
        for family in ("lenet*", "vgg??", "squeezenet*", "convnext*", "*_bit", "*nfnet*", "nf_*")
        for name in zoo.list_models(family)
    ),
]
FOLDED = [name for name in zoo.list_models() if name not in (*PRE_ACTIVATION, *WITHOUT_NORM)]


def damped(variables):
    """A quarter of the scales that end the branches of residual blocks.

    Else each block doubles the variance, gates saturate, and in the deepest networks rounding decides the logits.
    """

    def damp(path, leaf):
        block, leaf_name = path[-3].key if len(path) > 2 else "", path[-1].key
        return leaf / 4 if block in ("project", "fused", "conv3") and leaf_name == "scale" else leaf

    return {**variables, "params": jax.tree.map_with_path(damp, variables["params"])}


# One of each kind that is quick to compile: residual, inverted residual, branches.
FOLDED_QUICKLY = {"resnet18", "mobilenet_v2_050", "googlenet_tv"}
PARALLEL = zoo.list_models("repvgg*") + zoo.list_models("mobileone*")


@pytest.mark.parametrize("name", computed(FOLDED, FOLDED_QUICKLY))
def test_logits_are_equal_without_batch_norm(name):
    model = zoo.create_model(name)
    size = min(max(smallest_of(name), 64), zoo.model_info(name).input_size)
    x = np.random.default_rng(0).normal(size=(2, size, size, 3)).astype(np.float32)
    variables = damped(drawn(model, x.shape[1:]))
    folded = fold_batchnorm(name, variables)
    assert set(folded) == {"params"} and not any("bn" in str(path) for path, _ in jax.tree.leaves_with_path(folded))
    of_folded = zoo.create_model(name, folded=True)
    assert jax.tree.structure(folded) == jax.tree.structure(init_shapes(of_folded, x.shape[1:]))
    before, after = jax.device_get((jit_once(model.apply)(variables, x), jit_once(of_folded.apply)(folded, x)))
    assert np.abs(before - after).max() < 1e-4 * np.abs(before).max()


def test_a_bias_before_the_norm_is_kept():
    """ResNet as Keras has it: convolution with bias, then the norm; against the formula in NumPy."""
    name = "resnet50_keras"
    variables = drawn(zoo.create_model(name), (32, 32, 3))
    block = fold_batchnorm(name, variables)["params"]["conv1"]["conv"]
    conv, bn = (variables["params"]["conv1"][part] for part in ("conv", "bn"))
    stats = variables["batch_stats"]["conv1"]["bn"]
    s = bn["scale"] / np.sqrt(stats["var"] + 1.001e-5)
    np.testing.assert_allclose(block["kernel"], conv["kernel"] * s, rtol=1e-6)
    np.testing.assert_allclose(block["bias"], (conv["bias"] - stats["mean"]) * s + bn["bias"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("kernel_size", "features", "stride", "groups"), [(3, 8, 1, 1), (3, 8, 1, 4), (3, 12, 2, 4), (1, 8, 1, 2)]
)
def test_parallel_branches_are_one_convolution(kernel_size, features, stride, groups):
    """Grouped too, and with a stride, where the input itself is no branch."""
    given = {"features": features, "kernel_size": kernel_size, "stride": stride, "groups": groups, "count": 2}
    block = partial(ParallelConvolutions, act=jnp.sin, dtype=jnp.float32, name="block", **given)

    class Alone(FoldableNetwork):
        @nn.compact
        def __call__(self, x, *, train=False):
            norm = self.norm_unless_folded(batch_norm, train=train)
            x = block(conv=self.conv_blocks(norm), norm=norm)(x, train)
            return self.classify(x.reshape(len(x), -1), "fc")

    model = Alone(num_classes=3, image_shape=(6, 6, 8))
    variables = drawn(model, model.image_shape)
    plain, folded = reparametrize(model, variables)
    assert set(folded["params"]["block"]) == {"conv"}
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 8)).astype(np.float32)
    np.testing.assert_allclose(plain.apply(folded, x), model.apply(variables, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", PARALLEL)
def test_a_reparametrized_network_has_one_convolution_per_block(name):
    blocks = init_shapes(zoo.create_model(name, folded=True))["params"]
    assert all(set(block) - {"se"} == {"conv"} for layer, block in blocks.items() if layer != "fc")


def test_only_joined_weights_have_the_keys_of_joined_weights(tmp_path):
    """A file for timm's network after `reparameterize_model` is joined when it is written; arrays must be."""
    name = "mobileone_s1"
    variables = drawn(zoo.create_model(name), (64, 64, 3))
    weights = Weights(model=name, variables=variables, preprocessing=default_preprocessing(name))
    with pytest.raises(zoo.ZooError, match=r"timm_reparameterized.*zoo\.weights\.reparametrize"):
        to_torch(name, variables, "timm_reparameterized")
    write_weights(tmp_path / "w.safetensors", weights, "timm_reparameterized")
    found = read_weights(name, str(tmp_path / "w.safetensors"))
    with pytest.raises(zoo.ZooError, match="with folded=True"):
        from_torch(name, to_torch(name, found.variables, "timm_reparameterized"), model=zoo.create_model(name))
    assert found.fields == {"folded": True}
    jax.tree.map(np.testing.assert_array_equal, dict(found.variables), fold_weights(weights).variables)


@pytest.mark.parametrize("name", ["densenet121", "resnet50v2"])
def test_a_norm_before_its_convolution_is_refused(name):
    with pytest.raises(zoo.ZooError, match=f"{name} cannot be folded: its norm .* follows no convolution"):
        fold_batchnorm(name, drawn(zoo.create_model(name), zoo.create_model(name).image_shape))


@pytest.mark.parametrize("name", computed(WITHOUT_NORM))
def test_a_network_without_norms_is_one_line(name):
    with pytest.raises(zoo.ZooError, match=f"{name} has no batch norm to fold"):
        fold_batchnorm(name, {})


def test_no_norm_and_training_are_one_line():
    model = zoo.create_model("resnet18", folded=True)
    with pytest.raises(zoo.ZooError, match=r"folded .*trained"):
        jax.eval_shape(partial(model.apply, train=True), init_shapes(model), jnp.zeros((1, 32, 32, 3)))
    with pytest.raises(zoo.ZooError, match="folded already"):
        fold_batchnorm("resnet18", {}, model=model)
    for name in ("vgg11", "googlenet"):
        with pytest.raises(zoo.ZooError, match="no batch norm to fold"):
            init_shapes(zoo.create_model(name, folded=True))
    for name in (*PRE_ACTIVATION, "lenet5", "squeezenet1_1"):
        with pytest.raises(zoo.ZooError, match="no field 'folded'"):
            zoo.create_model(name, folded=True)


def filled(name, value=1.0, **fields):
    shapes = init_shapes(zoo.create_model(name, **fields))
    return jax.tree.map(lambda leaf: np.full(leaf.shape, value, np.float32), shapes)


@pytest.mark.parametrize(
    ("name", "other", "norm"),
    [
        ("vgg11_bn", zoo.create_model("vgg11"), "conv1_1/bn"),
        ("resnet18", zoo.create_model("resnet18", folded=True), "bn"),
    ],
    ids=["vgg11", "folded"],
)
def test_variables_of_another_network(name, other, norm):
    """A network with batch norm refuses variables without."""
    image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    with pytest.raises(zoo.ZooError, match=f"{norm} .*batch_stats"):
        jax.eval_shape(zoo.create_model(name).apply, init_shapes(other), image)


def test_a_block_without_its_norm_is_not_a_folded_block():
    block = ConvBlock(4, 3, norm=batch_norm)
    with pytest.raises(zoo.ZooError, match=r"bn .*batch_stats"):
        block.apply(
            {"params": {"conv": {"kernel": jnp.ones((3, 3, 2, 4)), "bias": jnp.ones(4)}}}, jnp.ones((1, 8, 8, 2))
        )


@pytest.mark.parametrize("fields", [{}, {"num_classes": 3}])
def test_folded_weights_saved_and_loaded(tmp_path, fields):
    """What fold_batchnorm gives can be saved, and loaded again: by its network, which says that it is folded."""
    name, path = "mobilenet_v3_small", tmp_path / "folded.safetensors"
    folded = fold_batchnorm(name, filled(name, **fields))
    save(path, Weights(model=name, variables=folded, preprocessing=default_preprocessing(name), fields=fields))
    loaded = load(path)
    assert loaded.fields == {**fields, "folded": True} and loaded.network().folded
    assert jax.tree.structure(loaded.variables) == jax.tree.structure(folded)
    jax.tree.map(np.testing.assert_array_equal, loaded.variables, folded)
    with pytest.raises(zoo.ZooError, match="folded already"):
        fold_weights(loaded)
    with pytest.raises(zoo.ZooError, match=f"{name} .*trained"):
        fields_of(loaded)


def test_weights_folded_as_a_whole_are_saved_and_loaded(tmp_path):
    path = tmp_path / "folded.safetensors"
    weights = Weights(
        model="resnet18", variables=filled("resnet18"), preprocessing=default_preprocessing("resnet18", (32, 32, 3))
    )
    save(path, fold_weights(weights))
    assert load(path).network() == zoo.create_model("resnet18", folded=True)


def test_variables_without_their_norms_that_are_not_folded_cannot_be_saved(tmp_path):
    for name in ("resnet18", "densenet121"):
        variables = {"params": filled(name)["params"]}
        with pytest.raises(zoo.ZooError, match=f"{name}.*batch_stats"):
            save(tmp_path / "file", Weights(model=name, variables=variables, preprocessing=default_preprocessing(name)))
    plain = Weights(model="lenet5", variables=filled("lenet5"), preprocessing=default_preprocessing("lenet5"))
    save(tmp_path / "file", plain)
    assert load(tmp_path / "file").fields == {}


def test_folded_weights_of_a_network_of_your_own_need_the_field():
    class Mine(Network):
        @nn.compact
        def __call__(self, x, *, train=False):
            return self.classify(global_avg_pool(ConvBlock(4, 3, norm=batch_norm, name="conv1")(x, train)), "fc")

    model = Mine(num_classes=3, image_shape=(8, 8, 3))
    with pytest.raises(zoo.ZooError, match=r"Mine .*folded"):
        fold_batchnorm("mine", drawn(model, (8, 8, 3)), model=model)


def test_other_libraries_have_no_folded_networks():
    for name, convert in (("mobilenet_v3_small", to_torch), ("resnet50_keras", to_keras)):
        with pytest.raises(zoo.ZooError, match=f"{name}.* folded"):
            convert(name, init_shapes(zoo.create_model(name, folded=True)))


def test_the_norms_of_a_network_with_nn_jit_are_found_again():
    """Flax keeps the trace of the first time, in which nothing is noted."""

    class Compiled(Network):
        image_shape: tuple[int, int, int] = (8, 8, 3)

        @nn.compact
        def __call__(self, x, *, train=False):
            x = COMPILED_BLOCK(4, 3, norm=batch_norm, name="block")(x)
            return self.classify(global_avg_pool(x), "fc")

    network = Compiled(num_classes=2)
    network.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    assert [batch_norms(network) for _ in range(2)] == 2 * [{("block", "bn"): 1e-5}]


# Made once: nn.jit keeps its traces.
COMPILED_BLOCK = nn.jit(ConvBlock)
