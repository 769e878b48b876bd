"""Every network of the registry: names, outputs, gradients, sizes, the model contract."""

import re
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from flax.traverse_util import flatten_dict
from networks.published import PARAMETERS_WITH_AUX_HEADS
from plain_layers import random
from quick import (
    QUICK_TO_COUNT,
    QUICK_TO_TRACE,
    QUICK_TO_TRAIN,
    computed,
    drawn,
    shapes_of,
    small_size_of,
    smallest_of,
    summary_of,
)

import zoo
from zoo.initializers import InitialValues
from zoo.layers import ConvBlock
from zoo.models.convnext import layer_norm
from zoo.models.googlenet import AuxHead, Classifier
from zoo.models.network import Network
from zoo.models.variables import init_shapes
from zoo.runtime.jit_once import jit_once
from zoo.training import create_state, train_step
from zoo.training.step import cross_entropy

MODELS = zoo.list_models()
WITH_AUX_HEADS = [name for name in MODELS if hasattr(zoo.create_model(name), "aux_heads")]


def example(name, size=None, seed=0):
    """[1, height, width, channels]: a random image, by default of the network's image size."""
    info = zoo.model_info(name)
    size = size or info.input_size
    return np.random.default_rng(seed).normal(size=(1, size, size, info.channels)).astype(np.float32)


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_COUNT))
def test_outputs_types_and_activations(name):
    """Parameters and logits are float32 in a bfloat16 network, and `act` is used for all activations."""
    info, model = zoo.model_info(name), zoo.create_model(name, dtype=jnp.bfloat16, act=jnp.sin)
    x = jax.ShapeDtypeStruct((3, info.input_size, info.input_size, info.channels), jnp.float32)
    shapes = init_shapes(model)
    assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype("float32")}
    program = jax.make_jaxpr(model.apply)(shapes, x)
    assert [(out.shape, out.dtype) for out in program.out_avals] == [((3, info.num_classes), jnp.float32)]

    assert any(step.primitive.name == "sin" for step in program.eqns)
    others = ("relu6", "silu", "hard_silu", "hard_sigmoid", "gelu", "sigmoid")
    for step in program.eqns:
        # ReLU is a call with its own derivative, as a max pool is; a squeeze-and-excite's gate keeps its activations.
        if step.primitive.name in ("custom_jvp_call", "tanh", "logistic") or step.params.get("name") in others:
            assert str(step.source_info.name_stack).endswith(("/se", "/eca", "max_pool")), step


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRACE))
def test_without_classes_the_output_is_the_pooled_map(name):
    info, model = zoo.model_info(name), zoo.create_model(name, num_classes=0)
    x = jax.ShapeDtypeStruct((3, info.input_size, info.input_size, info.channels), jnp.float32)
    pooled = jax.eval_shape(model.apply, shapes_of(name), x)
    assert pooled.ndim == 2 and pooled.dtype == jnp.float32


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRACE))
def test_parameters_do_not_depend_on_the_image_size(name):
    model = zoo.create_model(name)
    smallest = smallest_of(name)
    small = init_shapes(model, (smallest, smallest, zoo.model_info(name).channels))
    assert jax.tree.map(lambda leaf: leaf.shape, small) == jax.tree.map(lambda leaf: leaf.shape, shapes_of(name))


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRACE))
def test_a_too_small_image_is_an_error_of_one_line(name):
    model = zoo.create_model(name)
    channels = zoo.model_info(name).channels
    smallest = smallest_of(name)
    named = f"\\b{smallest}x{smallest}\\b" if smallest > 1 else "of 1 to"
    with pytest.raises(zoo.ZooError, match=named) as error:
        zoo.init(model, jax.random.key(0), (smallest - 1, smallest - 1, channels))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_COUNT))
def test_all_submodules_have_explicit_names(name):
    names = {part for row in summary_of(name).rows for part in row.path.split("/")}
    assert len(names) > 2 and not [part for part in names if re.fullmatch(r"[A-Z]\w*_\d+", part)]


@pytest.mark.parametrize("name", WITH_AUX_HEADS)
def test_auxiliary_logits_are_sown_only_in_training(name):
    model = zoo.create_model(name, aux_heads=True)
    shapes = init_shapes(model)
    assert "aux_logits" not in shapes
    if name in PARAMETERS_WITH_AUX_HEADS:
        assert zoo.count.parameters(shapes["params"]) == PARAMETERS_WITH_AUX_HEADS[name]

    def aux_logits(train):
        def run(variables, x, key):
            collections = ["batch_stats", "aux_logits"]
            return model.apply(variables, x, train=train, rngs={"dropout": key}, mutable=collections)[1]

        x = jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
        return jax.eval_shape(run, shapes, x, jax.random.key(1)).get("aux_logits", {})

    heads = {"aux"} if name.startswith("inception") else {"loss1", "loss2"}
    sown = aux_logits(True)
    assert set(sown) == heads
    assert [leaf.shape for leaf in jax.tree.leaves(sown)] == [(2, 1000)] * len(heads)
    assert not jax.tree.leaves(aux_logits(False))


def test_batch_statistics_depend_on_train():
    model = zoo.create_model("resnet18", num_classes=10)
    variables = drawn(model, (32, 32, 3))
    x = np.random.default_rng(1).normal(size=(4, 32, 32, 3)).astype(np.float32)

    def unchanged(train):
        apply = jit_once(partial(model.apply, train=train, mutable=["batch_stats"]))
        statistics = apply(variables, x, rngs={"dropout": jax.random.key(2)})[1]["batch_stats"]
        return jax.tree.leaves(jax.tree.map(np.array_equal, statistics, variables["batch_stats"]))

    assert all(unchanged(train=False)) and not any(unchanged(train=True))


def test_googlenet_has_the_layer_names_of_the_caffe_release():
    params = init_shapes(zoo.create_model("googlenet", aux_heads=True))["params"]
    assert set(params) == {
        *("conv1", "conv2", "loss1", "loss2", "loss3"),
        *(f"inception_{name}" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")),
    }
    assert set(params["conv1"]) == {"7x7_s2"}
    assert set(params["conv2"]) == {"3x3_reduce", "3x3"}
    assert set(params["inception_3a"]) == {"1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj"}
    assert set(params["loss1"]) == {"conv", "fc", "classifier"}
    assert set(params["loss3"]) == {"classifier"}


def test_c3_of_lenet_1998_has_the_connections_of_table_1():
    from zoo.models.lenet import C3_INPUTS

    table = "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"
    assert [sorted(inputs) for inputs in C3_INPUTS] == [[int(i) for i in column] for column in table.split()]


def test_logits_of_lenet_1998_are_negative_distances_to_the_codes():
    from zoo.models.lenet import class_codes

    codes = np.asarray(class_codes(10))
    assert codes.shape == (10, 84) and set(np.unique(codes)) == {-1, 1}
    assert len(np.unique(codes, axis=0)) == 10
    assert np.asarray(class_codes(26)).shape == (26, 84)
    model = zoo.create_model("lenet5_1998")
    variables = drawn(model, model.image_shape)
    x = example("lenet5_1998")
    without_classes = zoo.create_model("lenet5_1998", num_classes=0)
    f6 = np.asarray(jit_once(without_classes.apply)(variables, x), np.float64)
    plain = -np.square(f6[:, None] - codes).sum(-1)
    np.testing.assert_allclose(jit_once(model.apply)(variables, x), plain, rtol=1e-5)


def test_features_are_named_activations():
    model = zoo.create_model("googlenet", num_classes=10)
    x = example("googlenet")
    variables = drawn(model, x.shape[1:])
    names = ["conv1", "inception_3a", "inception_4e", "inception_3a/1x1"]
    found = jit_once(lambda variables, x: zoo.features(model, variables, x, names))(variables, x)
    assert {name: array.shape for name, array in found.items()} == {
        "conv1": (1, 112, 112, 64),
        "inception_3a": (1, 28, 28, 256),
        "inception_4e": (1, 14, 14, 832),
        "inception_3a/1x1": (1, 28, 28, 64),
    }
    np.testing.assert_array_equal(np.asarray(found["inception_3a"])[..., :64], found["inception_3a/1x1"])
    with pytest.raises(zoo.ZooError, match="no layer 'inception_3z'; did you mean inception_3"):
        zoo.features(model, variables, x, ["inception_3z"])


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_COUNT))
def test_stages_have_decreasing_resolutions(name):
    stages, rows = zoo.model_info(name).stages, summary_of(name).rows
    assert len(stages) >= 3
    # The last row of a module is where its output is computed.
    heights = [[row.output_shape[1] for row in rows if f"{row.path}/".startswith(f"{stage}/")][-1] for stage in stages]
    assert heights == sorted(set(heights), reverse=True)


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRACE))
def test_stages_are_layers_whose_outputs_features_finds(name):
    info, model = zoo.model_info(name), zoo.create_model(name)
    x = jax.ShapeDtypeStruct((1, info.input_size, info.input_size, info.channels), jnp.float32)
    found = jax.eval_shape(lambda variables, x: zoo.features(model, variables, x, info.stages), shapes_of(name), x)
    heights = [found[stage].shape[1] for stage in info.stages]
    assert heights == sorted(set(heights), reverse=True)


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRAIN - {"googlenet"}))
def test_a_training_step_in_bfloat16_reaches_every_parameter(name):
    info = zoo.model_info(name)
    fields = {"aux_heads": True} if name in WITH_AUX_HEADS else {}
    # A block that is dropped for both images gets no gradient.
    fields |= {"stochastic_depth": 0.0} if hasattr(zoo.create_model(name), "stochastic_depth") else {}
    model = zoo.create_model(name, num_classes=7, dtype=jnp.bfloat16, **fields)
    size = small_size_of(name)
    variables = drawn(model, (size, size, info.channels))
    # The first step's momentum is the gradient.
    sgd = optax.sgd(1e-3, momentum=0.9)
    make = partial(create_state, model, sgd, mean=info.mean, std=info.std)
    state = jit_once(make)(variables, jax.random.key(0))
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, info.channels), np.uint8)
    state, metrics = jit_once(train_step)(state, {"image": images, "label": np.array([0, 6])})
    assert metrics["loss"].dtype == jnp.float32 and np.isfinite(metrics["loss"])
    params, gradient = jax.device_get((state.params, state.opt_state[0].trace))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
    assert jax.tree.structure(gradient) == jax.tree.structure(params)
    flat = flatten_dict(gradient)
    for path, leaf in flat.items():
        # A batch norm subtracts what the bias of a convolution adds: the gradient is zero, but for rounding.
        kernel = flat.get((*path[:-1], "kernel"))
        is_cancelled = state.batch_stats and path[-1] == "bias" and kernel is not None and kernel.ndim == 4
        # One squeezed channel, which may be below zero for both images.
        is_single = path[-2] == "fc1" and flat[(*path[:-1], "kernel")].shape[-1] == 1
        assert np.isfinite(leaf).all() and (is_cancelled or is_single or leaf.any()), path


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRAIN))
def test_compiled_forward_passes_of_two_batch_sizes_agree(name):
    model = zoo.create_model(name)
    size = smallest_of(name)
    x = np.concatenate([example(name, size, seed) for seed in range(3)])
    variables = drawn(model, x.shape[1:])
    forward = jit_once(model.apply)
    three, one = (np.asarray(forward(variables, images)) for images in (x, x[1:2]))
    np.testing.assert_allclose(three[1:2], one, atol=1e-4 * np.abs(three).max())


@pytest.mark.parametrize("name", computed(MODELS, QUICK_TO_TRAIN))
def test_nnx_runs_the_network(name):
    info = zoo.model_info(name)
    x = jnp.zeros((2, info.input_size, info.input_size, info.channels))

    def run(x):
        model = nnx.bridge.ToNNX(zoo.create_model(name), rngs=nnx.Rngs(0)).lazy_init(x)
        return model(x)

    assert nnx.eval_shape(run, x).shape == (2, info.num_classes)


def aux_logits_of(head, features):
    """The sown logits of an auxiliary head, and the input and the parameters of its last layer."""
    variables, inputs = small(partial(head.init, train=True), features), {}

    def record(function, args, kwargs, context):
        inputs[context.module.name] = args[0] if args else None
        return function(*args, **kwargs)

    @jax.jit
    def run(variables, features):
        with nn.intercept_methods(record):
            _, made = head.apply(
                variables, features, train=True, mutable=["aux_logits"], rngs={"dropout": jax.random.key(1)}
            )
        return made["aux_logits"]["logits"], inputs[next(reversed(inputs))]

    return *run(variables, features), variables["params"][next(reversed(inputs))]


def small(init, x):
    """Variables that are small enough for sums of a thousand products."""
    return jax.tree.map(lambda leaf: random(*leaf.shape) / 30, jax.eval_shape(init, jax.random.key(0), x))


def test_layer_norm_of_a_large_mean_is_that_of_numpy():
    x = np.random.default_rng(0).normal(1000, 1, size=(2, 3, 3, 96)).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(-1, keepdims=True)) / np.sqrt(exact.var(-1, keepdims=True) + 1e-6)
    params = {"scale": np.ones(96, np.float32), "bias": np.zeros(96, np.float32)}
    y = jax.jit(layer_norm().apply)({"params": params}, x)
    np.testing.assert_allclose(y, exact, atol=1e-3)


class Head(Network):
    @nn.compact
    def __call__(self, x, *, train=False):
        return self.classify(x, "fc")


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("head", ["classify", "googlenet", "googlenet_aux"])
def test_logits_of_half_precision_are_computed_in_float32(head, dtype):
    """Against float64, and without ties: of 512 rows of 1,000 logits rounded to bfloat16, several would have one."""
    conv = partial(ConvBlock, dtype=dtype)
    if head == "googlenet_aux":
        aux = AuxHead(1000, conv, nn.relu, 0.5, False, InitialValues(), dtype)
        logits, x, params = aux_logits_of(aux, random(64, 4, 4, 3).astype(dtype))
    else:
        module = Head(num_classes=1000, dtype=dtype) if head == "classify" else Classifier(1000, InitialValues(), dtype)
        x = random(512, 256).astype(dtype)
        variables = small(module.init, x)
        (params,) = variables["params"].values()
        params["bias"] = 3 + random(1000, seed=1)
        logits = jax.jit(module.apply)(variables, x)
    exact = np.asarray(x, np.float64) @ np.asarray(params["kernel"], np.float64) + np.asarray(
        params["bias"], np.float64
    )
    logits = np.asarray(logits)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, exact, atol=2e-5, rtol=1e-5)
    assert ((logits == logits.max(-1, keepdims=True)).sum(-1) == 1).all()


@pytest.mark.parametrize("name", ["squeezenet1_1", "nin_cifar10"])
def test_logits_that_are_means_are_not_rounded_to_bfloat16(name):
    """The last layer averages a map: the mean is float32, of values that are bfloat16."""
    model = zoo.create_model(name, dtype=jnp.bfloat16)
    image = jax.ShapeDtypeStruct((2, *model.image_shape), jnp.float32)
    operations = jax.make_jaxpr(model.apply)(init_shapes(model), image).eqns
    last = max(i for i, operation in enumerate(operations) if operation.primitive.name == "reduce_sum")
    assert {str(v.aval.dtype) for operation in operations[last:] for v in operation.outvars} == {"float32"}


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_half_precision_logits_is_computed_in_float32(dtype, smoothing):
    logits = random(64, 1000).astype(dtype)
    labels = np.arange(64)
    exact = np.asarray(logits, np.float64)
    log_p = exact - np.log(np.exp(exact).sum(-1, keepdims=True))
    targets = np.eye(1000)[:64] * (1 - smoothing) + smoothing / 1000
    losses = jax.jit(cross_entropy, static_argnums=2)(logits, labels, smoothing)
    np.testing.assert_allclose(losses, -(targets * log_p).sum(-1), rtol=1e-5)
