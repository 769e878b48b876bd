"""Fine-tuning: what is frozen, that it stays as it is and runs as in inference, and a new head on pretrained parts."""

import dataclasses
from collections import Counter
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick import QUICK_TO_TRACE, computed, drawn, shapes_of, small_size_of
from rich.console import Console

import zoo
from zoo.data import Dataset, Preprocessing
from zoo.data.dataset import ArraySource
from zoo.layers import ConvBlock, batch_norm, global_avg_pool, stochastic_depth
from zoo.models.network import Network, maybe_remat
from zoo.runtime.jit_once import jit_once
from zoo.training import (
    PreparedRun,
    Recipe,
    RunConfig,
    RunFolder,
    build_network,
    create_state,
    make_optimizer,
    train_run,
    train_step,
)
from zoo.training.checkpoint.checkpoints import open_checkpointer
from zoo.training.finetune.freezing import (
    frozen_modules,
    frozen_parameters,
    head_parameters,
    in_inference_mode,
    merge,
    partition,
)
from zoo.training.finetune.pretrained_backbone import backbone_of, fields_of, insert_backbone, with_new_head
from zoo.training.initial_state import state_initializer
from zoo.weights import Weights
from zoo.weights.files import key_of

SHAPE = (16, 16, 3)


class Block(nn.Module):
    """A residual block that drops its branch, as those of the newer families."""

    @nn.compact
    def __call__(self, x, train=False):
        y = ConvBlock(8, 3, 1, 1, norm=batch_norm, name="conv")(x, train)
        y = batch_norm(train=train, name="bn")(y)
        return x + stochastic_depth(0.5, train=train)(y)


class ResidualNetwork(Network):
    """A stem with a separate batch norm, a block, and a classifier."""

    image_shape: tuple[int, int, int] = SHAPE
    remat: bool = False

    @nn.compact
    def __call__(self, x, *, train=False):
        x = ConvBlock(8, 3, 2, 1, norm=batch_norm, name="stem")(x, train)
        x = batch_norm(train=train, name="bn1")(x)
        x = maybe_remat(Block, self.remat)(name="block1")(x, train)
        return self.classify(global_avg_pool(x), "fc")


def new_state(freeze="none", remat=False, **settings):
    model = ResidualNetwork(num_classes=4, remat=remat)
    recipe = Recipe(freeze=freeze, warmup_epochs=0, learning_rate=0.1, **settings)
    optimizer = make_optimizer(recipe, 10, frozenset({"fc/kernel", "fc/bias"}))
    frozen = frozen_parameters(model, freeze)
    make = partial(create_state, model, optimizer, mean=(0.4,) * 3, std=(0.3,) * 3, frozen=frozen)
    # One program: leaf by leaf takes longer to compile.
    return jax.jit(make)(drawn(model, SHAPE), jax.random.key(0))


def random_batch(count=8):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, count).astype(np.int32)
    return {"image": rng.integers(0, 256, (count, *SHAPE), np.uint8), "label": labels}


def moved(before, after):
    """The keys of the leaves that are not the same."""
    pairs = zip(jax.tree.leaves_with_path(before), jax.tree.leaves(after), strict=True)
    return {jax.tree_util.keystr(p, simple=True, separator="/") for (p, a), b in pairs if not np.array_equal(a, b)}


def test_the_head_is_what_depends_on_the_number_of_classes():
    assert head_parameters(zoo.create_model("resnet18")) == {"fc/kernel", "fc/bias"}
    assert head_parameters(zoo.create_model("squeezenet1_1")) == {"conv10/conv/kernel", "conv10/conv/bias"}
    assert {key.split("/")[0] for key in head_parameters(zoo.create_model("googlenet", aux_heads=True))} == {
        "loss1",
        "loss2",
        "loss3",
    }
    with pytest.raises(zoo.ZooError, match="LeNet5Of1998 has no head to replace"):
        head_parameters(zoo.create_model("lenet5_1998"))


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    [
        ("none", set()),
        ("backbone", {"stem/conv/kernel", "stem/bn/scale", "stem/bn/bias", "bn1/scale", "bn1/bias"}),
        ("stem", {"stem/conv/kernel", "stem/bn/scale", "stem/bn/bias"}),
        ("stem/.*|bn1", {"stem/conv/kernel", "stem/bn/scale", "stem/bn/bias", "bn1/scale", "bn1/bias"}),
        ("(stem|bn1).*/scale", {"stem/bn/scale", "bn1/scale"}),
        ("stem/conv/kernel", {"stem/conv/kernel"}),
    ],
)
def test_what_is_frozen(freeze, frozen):
    found = frozen_parameters(ResidualNetwork(num_classes=4), freeze)
    assert {key for key in found if not key.startswith("block1")} == frozen
    assert any(key.startswith("block1") for key in found) == (freeze == "backbone")


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        ("bloc", r"freeze is 'bloc', .* the layers are block1, bn1, fc, stem"),
        (".*", r"'\.\*', which matches the head \(fc/bias, fc/kernel\)"),
        (".*/bias", r"which matches the head \(fc/bias\)"),
    ],
)
def test_what_cannot_be_frozen(freeze, message):
    with pytest.raises(zoo.ZooError, match=message):
        frozen_parameters(ResidualNetwork(num_classes=4), freeze)


def test_modules_are_frozen_where_all_their_parameters_are():
    params = {"a": {"b": {"kernel": 0, "bias": 0}, "c": {"kernel": 0}}, "d": {"kernel": 0}}
    assert frozen_modules(params, frozenset({"a/b/kernel", "a/b/bias"})) == {("a", "b")}
    assert frozen_modules(params, frozenset({"a/b/kernel", "d/kernel"})) == {("d",)}
    every = frozenset({"a/b/kernel", "a/b/bias", "a/c/kernel"})
    assert frozen_modules(params, every) == {("a",), ("a", "b"), ("a", "c")}
    trainable, fixed = partition(params, frozenset({"d/kernel"}))
    assert trainable["d"] == {"kernel": None} and fixed["a"] == {
        "b": {"kernel": None, "bias": None},
        "c": {"kernel": None},
    }
    assert merge(trainable, fixed) == params


@pytest.mark.parametrize("remat", [False, True])
def test_a_frozen_backbone_stays_as_it_is_and_runs_as_in_inference(remat):
    state, batch = new_state("backbone", remat), random_batch()
    after, metrics = jax.jit(train_step)(state, batch)
    assert moved(state.params, after.params) == {"fc/kernel", "fc/bias"}
    assert moved(state.batch_stats, after.batch_stats) == set()
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    logits = np.asarray(jax.jit(state.model.apply)(variables, (batch["image"] / 255 - 0.4) / 0.3), np.float64)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    np.testing.assert_allclose(metrics["loss"], -log_p[np.arange(8), batch["label"]].mean(), rtol=1e-5)


@pytest.mark.parametrize("remat", [False, True])
def test_batch_norms_alone_can_be_frozen(remat):
    # Each is in a module that is trained, and was made to use the batch's statistics.
    state, batch = new_state(r"(.*/)?bn1?", remat), random_batch()
    after, _ = jax.jit(train_step)(state, batch)
    assert moved(state.params, after.params) == {
        "stem/conv/kernel",
        "block1/conv/conv/kernel",
        "fc/kernel",
        "fc/bias",
    }
    assert moved(state.batch_stats, after.batch_stats) == set()


def test_a_frozen_stem_leaves_the_statistics_of_the_rest_free():
    state = new_state("stem")
    after, _ = jax.jit(train_step)(state, random_batch())
    assert not any(key.startswith("stem") for key in moved(state.params, after.params))
    assert {key.split("/")[0] for key in moved(state.batch_stats, after.batch_stats)} == {"bn1", "block1"}


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_frozen_parameters_have_no_optimizer_state(optimizer):
    whole, part = new_state(optimizer=optimizer), new_state("backbone", optimizer=optimizer)
    assert any(leaf.shape == (3, 3, 3, 8) for leaf in jax.tree.leaves(whole.opt_state))
    assert {leaf.shape for leaf in jax.tree.leaves(part.opt_state)} == {(), (8, 4), (4,)}


def test_the_backward_pass_of_a_frozen_backbone_is_not_computed():
    state, batch = new_state("backbone"), random_batch()
    operations = Counter(str(jax.make_jaxpr(train_step)(state, batch)).split())
    assert operations["conv_general_dilated["] == 2


def test_frozen_statistics_are_bit_exact_under_pmap():
    devices = jax.device_count()
    state, batch = new_state("backbone"), random_batch()
    stacked = jax.jit(lambda state: jax.tree.map(lambda leaf: jnp.stack([leaf] * devices), state))(state)
    parts = jax.tree.map(lambda leaf: leaf.reshape(devices, -1, *leaf.shape[1:]), batch)
    after, _ = jax.pmap(train_step, axis_name="data")(stacked, parts)
    assert moved(stacked.batch_stats, after.batch_stats) == set()
    assert moved(stacked.params, after.params) == {"fc/kernel", "fc/bias"}
    single, _ = jax.jit(train_step)(state, batch)
    np.testing.assert_allclose(np.asarray(after.params["fc"]["kernel"])[0], single.params["fc"]["kernel"], atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_backbone_moves_at_its_share_of_the_rate(optimizer):
    params = {"stem": {"kernel": np.ones((3, 2), np.float32)}, "fc": {"kernel": np.ones((2, 4), np.float32)}}
    gradient = params

    def updates(share):
        recipe = Recipe(optimizer=optimizer, learning_rate=0.5, warmup_epochs=0, weight_decay=0.1, backbone_rate=share)
        chosen = make_optimizer(recipe, 10, frozenset({"fc/kernel"}))
        update = jax.jit(lambda params: chosen.update(gradient, chosen.init(params), params)[0])
        return jax.device_get(update(params))

    whole, tenth = updates(1.0), updates(0.1)
    np.testing.assert_allclose(tenth["fc"]["kernel"], whole["fc"]["kernel"])
    np.testing.assert_allclose(tenth["stem"]["kernel"], 0.1 * whole["stem"]["kernel"], rtol=1e-6)


@pytest.mark.parametrize(
    "name", computed([name for name in zoo.list_models() if name != "lenet5_1998"], QUICK_TO_TRACE)
)
def test_every_network_with_a_frozen_backbone_computes_what_inference_does(name):
    # The one dropout that is not the backbone's is that before the head.
    fields = {field.name for field in dataclasses.fields(zoo.create_model(name))}
    model, info = zoo.create_model(name, **({"dropout": 0.0} if "dropout" in fields else {})), zoo.model_info(name)
    size, variables = small_size_of(name), shapes_of(name)
    images = jax.ShapeDtypeStruct((2, size, size, info.channels), jnp.float32)
    shapes = {key_of(path): leaf.shape for path, leaf in jax.tree.leaves_with_path(variables["params"])}
    modules = frozen_modules(variables["params"], {key for key in shapes if shapes[key][-1] != info.num_classes})

    def apply(variables, images, train):
        with in_inference_mode(modules if train else frozenset()):
            rngs = {"dropout": jax.random.key(0)}
            return model.apply(variables, images, train=train, rngs=rngs, mutable=["batch_stats"])

    trained, inference = (jax.make_jaxpr(apply, static_argnums=2)(variables, images, train) for train in (True, False))
    assert str(trained) == str(inference)


# Whole runs


def noise(count, seed):
    rng = np.random.default_rng(seed)
    return ArraySource(rng.integers(0, 256, (count, 32, 32, 1), np.uint8), rng.integers(0, 3, count))


DATASET = Dataset("noise", noise(16, 0), noise(8, 1), ("a", "b", "c"), (32, 32, 1))
PREPROCESSING = Preprocessing(image_shape=(32, 32, 1), mean=(0.4,), std=(0.3,), interpolation="bicubic")


def lenet_weights(**fields):
    model = zoo.create_model("lenet5", **fields)
    return Weights(model="lenet5", variables=drawn(model, (32, 32, 1)), preprocessing=PREPROCESSING, fields=fields)


def lenet_config(**settings):
    recipe = Recipe(batch_size=8, epochs=2, **settings)
    names = DATASET.class_names
    return RunConfig(model="lenet5", dataset="noise", recipe=recipe, preprocessing=PREPROCESSING, class_names=names)


def test_a_run_begins_with_the_weights_and_the_head_that_it_would_have_without():
    config, weights = lenet_config(), lenet_weights()
    backbone = backbone_of(weights, build_network(config))
    make = jit_once(state_initializer(config, 2))
    fresh, finetuned = (make(jax.random.key(0), start) for start in ({}, backbone))
    assert finetuned.params["output"]["kernel"].shape == (84, 3)
    assert not any("output" in key for key in moved(fresh.params, finetuned.params))
    of_weights = {**weights.variables["params"], "output": finetuned.params["output"]}
    assert moved(of_weights, finetuned.params) == set()


def test_a_new_head_starts_small_whatever_the_original_draws_for_its_thousand_classes():
    config = dataclasses.replace(lenet_config(), pretrained="")
    start = backbone_of(lenet_weights(), build_network(config))
    state = jit_once(state_initializer(config, 2))(jax.random.key(0), start)
    # torch's linear layer, where LeNet-5's own is uniform in +-sqrt(3 / 84).
    head = np.abs(state.params["output"]["kernel"])
    assert 0.95 < head.max() * np.sqrt(84) <= 1 and not state.params["output"]["bias"].any()
    # A module of the user's own has no such field.
    assert with_new_head(nn.Dense(3)) == nn.Dense(3)


def test_a_head_of_as_many_classes_is_new_too():
    backbone = backbone_of(lenet_weights(num_classes=3), build_network(lenet_config()))
    assert not any("output" in key for key in backbone) and "params/c1/conv/kernel" in backbone


def test_weights_of_another_network_are_refused_with_both_sides():
    weights = lenet_weights()
    weights = dataclasses.replace(weights, variables=drawn(zoo.create_model("lenet5_1998"), (32, 32, 1)))
    with pytest.raises(zoo.ZooError) as error:
        backbone_of(weights, build_network(lenet_config()))
    assert str(error.value) == (
        "these weights do not fit this lenet5: missing params/c3/conv/bias, params/c3/conv/kernel; "
        "unexpected params/c3/bias, params/c3/kernel, params/s2/bias and 3 more; of another shape none"
    )


def test_weights_of_another_shape_are_refused():
    variables = drawn(zoo.create_model("lenet5"), (32, 32, 3))
    with pytest.raises(zoo.ZooError, match="unexpected none; of another shape params/c1/conv/kernel"):
        backbone_of(dataclasses.replace(lenet_weights(), variables=variables), build_network(lenet_config()))


def test_fields_come_with_the_weights_but_for_those_of_the_run():
    weights = dataclasses.replace(
        lenet_weights(), fields={"num_classes": 10, "epsilon": 1e-3, "image_shape": [9, 9, 1], "aux_heads": True}
    )
    assert fields_of(weights) == {"epsilon": 1e-3}


def test_variables_that_are_not_pretrained_stay():
    fresh = {"params": {"a": {"kernel": 1}, "fc": {"kernel": 2}}}
    assert insert_backbone(fresh, {"params/a/kernel": 3}) == {"params": {"a": {"kernel": 3}, "fc": {"kernel": 2}}}


def test_a_run_that_begins_with_weights_needs_them(tmp_path):
    config = dataclasses.replace(lenet_config(), pretrained="")
    with pytest.raises(zoo.ZooError, match="give them as `backbone`"):
        train_run(PreparedRun(config=config, dataset=DATASET, folder=RunFolder(tmp_path / "run")), Console(quiet=True))


def test_a_frozen_run_resumes_without_the_weights(tmp_path):
    config, folder = lenet_config(freeze="backbone", backbone_rate=0.1), RunFolder(tmp_path / "run")
    backbone = backbone_of(lenet_weights(), build_network(config))

    def final_params():
        with open_checkpointer(folder, 1) as checkpointer:
            return checkpointer.load_checkpointables(checkpointer.latest.step, {"state": None})["state"]["params"]

    folder.start(config)
    quiet = Console(quiet=True)
    whole = train_run(PreparedRun(config=config, dataset=DATASET, folder=folder, backbone=backbone), quiet)
    params = final_params()
    np.testing.assert_array_equal(params["c1"]["conv"]["kernel"], backbone["params/c1/conv/kernel"])
    last = max((folder.steps).iterdir(), key=lambda path: int(path.name))
    last.rename(tmp_path / "last")
    resumed = PreparedRun(config=folder.read_config(), dataset=DATASET, folder=folder, resume=True)
    assert train_run(resumed, quiet) == whole
    assert moved(params, final_params()) == set()
