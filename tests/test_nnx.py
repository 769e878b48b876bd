"""Networks as modules of NNX: the values of Linen, variables of the right kinds, training, weights, saving."""

import dataclasses
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import nnx
from quick import computed, drawn, small_size_of

import zoo
import zoo.nnx
from zoo.models.variables import init_shapes

LENET = Path(__file__).parents[1] / "checkpoints" / "lenet5-fashion-mnist.safetensors"
IMAGES = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)
LABELS = np.arange(4)


@pytest.fixture(scope="module")
def small():
    """A network with batch norm and dropout, and its variables."""
    linen = zoo.create_model("resnet20_cifar", dropout=0.5)
    return linen, drawn(linen, (32, 32, 3))


def assert_same(a, b):
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), a, b)


def loss_of(logits):
    return optax.softmax_cross_entropy_with_integer_labels(logits, LABELS).mean()


@nnx.jit
def step(model, optimizer):
    loss, gradient = nnx.value_and_grad(lambda model: loss_of(model(IMAGES)))(model)
    optimizer.update(model, gradient)
    return loss


def test_inference_has_the_values_of_linen_under_any_jit(small):
    linen, variables = small
    model = zoo.nnx.Network(linen, variables)
    expected = jax.jit(linen.apply)(variables, IMAGES)
    assert_same(nnx.jit(lambda model: model(IMAGES))(model), expected)
    # What is closed over must not be changed.
    assert_same(jax.jit(lambda x: model(x))(IMAGES), expected)


def test_a_step_has_the_values_of_linen(small):
    linen, variables = small
    model = zoo.nnx.Network(linen, variables, rngs=nnx.Rngs(dropout=3))
    held = model.batch_stats["conv1"]["bn"]["mean"]
    optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)
    model.train()
    loss = step(model, optimizer)

    @jax.jit
    def expected(variables):
        def forward(params):
            logits, updated = linen.apply(
                {**variables, "params": params},
                IMAGES,
                train=True,
                rngs={"dropout": nnx.Rngs(dropout=nnx.Rngs(dropout=3).dropout()).dropout()},
                mutable=["batch_stats"],
            )
            return loss_of(logits), updated["batch_stats"]

        (loss, statistics), gradient = jax.value_and_grad(forward, has_aux=True)(variables["params"])
        params = jax.tree.map(lambda leaf, change: leaf - 0.1 * change, variables["params"], gradient)
        return loss, {"params": params, "batch_stats": statistics}

    assert_same((loss, zoo.nnx.variables_of(model)), expected(variables))
    assert held is model.batch_stats["conv1"]["bn"]["mean"] and held.get_value().any()


def test_a_step_of_the_split_state_has_the_operations_of_linen():
    """So it is as fast. Adding to the two counters of NNX is all that it does more."""
    linen = zoo.create_model("resnet20_cifar", depths=(1, 1, 1))
    variables, sgd = drawn(linen, (32, 32, 3)), optax.sgd(0.1)
    model = zoo.nnx.Network(linen, variables)
    model.train()
    graph, state = nnx.split((model, nnx.Optimizer(model, sgd, wrt=nnx.Param)))

    def of_nnx(state):
        model, optimizer = nnx.merge(graph, state)
        loss, gradient = nnx.value_and_grad(lambda model: loss_of(model(IMAGES)))(model)
        optimizer.update(model, gradient)
        return nnx.state((model, optimizer)), loss

    def of_linen(variables):
        def forward(params):
            logits, updated = linen.apply({**variables, "params": params}, IMAGES, train=True, mutable=["batch_stats"])
            return loss_of(logits), updated

        (loss, updated), gradient = jax.value_and_grad(forward, has_aux=True)(variables["params"])
        updates, _ = sgd.update(gradient, sgd.init(variables["params"]))
        return {**updated, "params": optax.apply_updates(variables["params"], updates)}, loss

    found, expected = jax.jit(of_nnx).lower(state).cost_analysis(), jax.jit(of_linen).lower(variables).cost_analysis()
    for figure in ("flops", "bytes accessed"):
        assert found[figure] == pytest.approx(expected[figure], rel=1e-3)


def test_variables_have_the_kinds_of_nnx(small):
    linen, variables = small
    _, params, statistics, streams = nnx.split(
        zoo.nnx.Network(linen, variables), nnx.Param, nnx.BatchStat, nnx.RngState
    )
    assert_same(nnx.to_pure_dict(params), {"params": variables["params"]})
    assert_same(nnx.to_pure_dict(statistics), {"batch_stats": variables["batch_stats"]})
    assert nnx.to_pure_dict(streams).keys() == {"rngs"}


def test_modes(small):
    model = zoo.nnx.Network(*small)
    run = nnx.jit(lambda model: model(IMAGES))
    inference = run(model)
    view = nnx.view(model, deterministic=False)
    assert not np.allclose(run(view), inference)
    model.train()
    first, second = run(model), run(model)
    assert not np.allclose(first, second), "dropout has a new key at each call"
    model.eval()
    assert np.array_equal(run(model), run(model)) and not np.array_equal(run(model), inference), "new statistics"
    trained = nnx.jit(lambda model: model(IMAGES, train=True))(model)
    assert not np.allclose(trained, run(model)) and model.deterministic


def test_only_what_the_optimizer_is_told_is_trained(small):
    model = zoo.nnx.Network(*small)
    before = zoo.nnx.variables_of(model)["params"]
    optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.All(nnx.Param, nnx.PathContains("fc")))

    @nnx.jit
    def step(model, optimizer):
        wrt = nnx.DiffState(0, optimizer.wrt)
        optimizer.update(model, nnx.grad(lambda model: loss_of(model(IMAGES)), argnums=wrt)(model))

    step(model, optimizer)
    same = jax.tree.map(np.array_equal, zoo.nnx.variables_of(model)["params"], before)
    assert not any(jax.tree.leaves(same.pop("fc"))) and all(jax.tree.leaves(same))


def test_auxiliary_logits():
    model = nnx.eval_shape(partial(zoo.nnx.create_model, "googlenet", num_classes=7, aux_heads=True))
    images = jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
    logits, aux = nnx.eval_shape(lambda model, x: model.with_aux_logits(x), model, images)
    assert logits.shape == (2, 7) and {name: leaf.shape for name, leaf in aux.items()} == {
        "loss1": (2, 7),
        "loss2": (2, 7),
    }


def test_pretrained_weights_with_their_head_a_new_one_and_none():
    weights = zoo.load_pretrained("lenet5", LENET)
    x = np.random.default_rng(0).normal(size=(2, *weights.preprocessing.image_shape)).astype(np.float32)
    network, variables = weights
    for given in (weights, LENET, str(LENET)):
        assert_same(zoo.nnx.create_model("lenet5", weights=given)(x), network.apply(variables, x))
    new = zoo.nnx.create_model("lenet5", weights=weights, num_classes=3, rngs=nnx.Rngs(1))
    assert new(x).shape == (2, 3)
    backbone = zoo.nnx.create_model("lenet5", weights=weights, num_classes=0)
    assert backbone(x).ndim == 2 and backbone(x).shape[-1] > 10
    kept = zoo.nnx.variables_of(backbone)["params"]
    assert kept.keys() < variables["params"].keys()
    assert_same(kept, {name: variables["params"][name] for name in kept})


def test_the_way_back_to_a_weights_file(tmp_path):
    weights = zoo.load_pretrained("lenet5", LENET)
    model = zoo.nnx.create_model("lenet5", weights=weights)
    trained = dataclasses.replace(weights, variables=zoo.nnx.variables_of(model))
    zoo.weights.save(tmp_path / "again.safetensors", trained)
    again = zoo.load_pretrained("lenet5", tmp_path / "again.safetensors")
    assert_same(dict(again.variables), dict(weights.variables))


def test_orbax_saves_and_restores_all_of_it(tmp_path, small):
    linen, variables = small
    model = zoo.nnx.Network(linen, variables)
    model.train()
    nnx.jit(lambda model: model(IMAGES))(model)
    state = nnx.to_pure_dict(nnx.state(model, nnx.Not(nnx.RngState)))
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", state)
    other = zoo.nnx.Network(linen, jax.tree.map(jnp.zeros_like, variables))
    nnx.update(other, restored)
    assert_same(zoo.nnx.variables_of(other), zoo.nnx.variables_of(model))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet19", {}, "unknown model"),
        ("resnet18", {"depth": 3}, "no field"),
        ("lenet5", {"weights": "nowhere"}, "nowhere"),
        ("resnet18", {"weights": LENET}, "lenet5"),
    ],
)
def test_what_cannot_be_made_is_one_line(name, options, message):
    with pytest.raises(zoo.ZooError, match=message) as error:
        zoo.nnx.create_model(name, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", computed(zoo.list_models(), {"lenet5", "resnet18"}))
def test_every_network_trains(name):
    size, channels = small_size_of(name), zoo.model_info(name).channels
    x = jax.ShapeDtypeStruct((2, size, size, channels), jnp.float32)

    def run(x):
        model = zoo.nnx.create_model(name, image_shape=x.shape[1:])
        model.train()
        return nnx.value_and_grad(lambda model: model(x).sum())(model)

    loss, gradient = nnx.eval_shape(run, x)
    expected = init_shapes(zoo.create_model(name, image_shape=x.shape[1:]))["params"]
    found = nnx.to_pure_dict(gradient)["params"]
    assert loss.shape == () and jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, expected)
