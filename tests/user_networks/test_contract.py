"""Networks of other projects under the contract of zoo's: classes, training, names of layers, what is refused."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_layers import random

import zoo
from zoo.registry import import_model
from zoo.training.check_user_network import check_user_network
from zoo.training.finetune.freezing import in_inference_mode

IMAGES = jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32)


def create(reference, **fields):
    return zoo.create_model(import_model(reference).name, **fields)


@pytest.mark.parametrize(
    "attribute",
    ["Plain", "ByDeterministic", "WithSetup", "TrainByPosition", "make", "small", "module", "registered_net"],
)
def test_the_number_of_classes_is_understood(nets, attribute):
    model = create(f"nets:{attribute}", num_classes=11)
    assert model.num_classes == 11
    assert jax.eval_shape(model.init_with_output, jax.random.key(0), IMAGES)[0].shape == (2, 11)
    check_user_network(model, (8, 8, 3))


def test_the_defaults_of_the_user_stay(nets):
    assert create("nets:ByDeterministic").num_classes == 7
    assert create("nets:WithSetup").num_classes == 5
    assert (create("nets:module").num_classes, create("nets:module").width) == (6, 3)
    assert create("nets:make", num_classes=2, depth=3).width == 6
    assert create("nets:small", num_classes=2).width == 2


def test_a_field_without_default_is_asked_for(nets):
    with pytest.raises(zoo.ZooError, match=r"num_classes.*--classes"):
        create("nets:Plain")


@pytest.mark.parametrize("attribute", ["Plain", "WithSetup", "TrainByPosition"])
def test_batch_statistics_follow_train(nets, attribute):
    model = create(f"nets:{attribute}", num_classes=3)
    images = random(4, 8, 8, 3)
    variables = jax.jit(model.init)(jax.random.key(0), images)
    inference = jax.jit(model.apply)
    assert np.array_equal(inference(variables, images), inference(variables, images))  # no dropout in inference
    train = jax.jit(partial(model.apply, train=True, mutable=["batch_stats"]))
    _, updated = train(variables, images, rngs={"dropout": jax.random.key(2)})
    means = zip(jax.tree.leaves(updated["batch_stats"]), jax.tree.leaves(variables["batch_stats"]), strict=True)
    assert all(not np.array_equal(new, old) for new, old in means)


def test_deterministic_is_the_opposite_of_train(nets):
    model = create("nets:ByDeterministic")
    images = np.ones((8, 8, 8, 3), np.float32)
    variables = jax.jit(model.init)(jax.random.key(0), images)
    kept = np.asarray(jax.jit(model.apply)(variables, images))
    dropping = jax.jit(partial(model.apply, train=True))
    dropped = np.asarray(dropping(variables, images, rngs={"dropout": jax.random.key(0)}))
    assert (kept[:1] == kept).all() and not (dropped[:1] == dropped).all()


def test_layers_keep_the_names_and_numbers_of_the_user(nets):
    import_model("nets:Plain")
    import nets as module

    adapted, original = create("nets:Plain", num_classes=3), module.Plain(n_classes=3)
    variables = adapted.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(
        jnp.shape, original.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), False)
    )
    summary = zoo.count.summarize(adapted, (1, 8, 8, 3))
    counted = zoo.count.summarize(original, (1, 8, 8, 3), call={"training": False})
    assert summary == counted and summary.model == "Plain"
    images = jnp.ones((1, 8, 8, 3))
    assert zoo.features(adapted, variables, images, ["stem"])["stem"].shape == (1, 4, 4, 4)
    assert np.array_equal(adapted.apply(variables, images), original.apply(variables, images, False))


def test_a_module_that_follows_the_contract_stays_as_it_is(nets):
    assert type(create("nets:Returns")).__mro__[1].__name__ == "Returns"  # image_shape and dtype are added

    class Complete(nn.Module):
        num_classes: int = 3
        image_shape: tuple[int, int, int] = (8, 8, 3)
        dtype: jnp.dtype = jnp.float32

        def __call__(self, x, *, train=False):
            return x

    from zoo.models.user_module.adapted_class import adapted_class

    assert adapted_class(Complete) is Complete


def test_a_fixed_number_of_outputs_may_be_that_of_the_data(nets):
    check_user_network(create("nets:sequence", num_classes=10), (8, 8, 3))
    with pytest.raises(zoo.ZooError, match=r"10 logits.* 3 classes.*num_classes"):
        check_user_network(create("nets:sequence", num_classes=3), (8, 8, 3))


def test_lists_are_hashable_and_shared_modules_stay_shared(nets):
    model = create("nets:nested", num_classes=3)
    assert hash(model) == hash(create("nets:nested", num_classes=3))
    check_user_network(model, (8, 8, 3))
    variables = jax.eval_shape(model.init, jax.random.key(0), IMAGES)
    assert list(variables["params"]["act"]) == ["layers_0"]
    with pytest.raises(zoo.ZooError, match="cannot be hashed, act"):
        check_user_network(create("nets:table", num_classes=3), (8, 8, 3))


def test_float32_only_is_said(nets):
    with pytest.raises(zoo.ZooError, match="Plain has no field dtype"):
        create("nets:Plain", num_classes=3, dtype=jnp.bfloat16)


@pytest.mark.parametrize("what", ["logits", "log softmax"])
def test_logits_are_taken(nets, what):
    check_user_network(create("nets:Returns", what=what), (8, 8, 3))


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("softmax", "probabilities"),
        ("own softmax", "probabilities"),
        ("sigmoid", "probabilities"),
        ("tuple", "a tuple of 2"),
        ("dictionary", "a dict of 1"),
        ("maps", r"\[batch, 8, 8, 3\]"),
        ("classes", r"\[batch\]"),
    ],
)
def test_other_outputs_are_refused(nets, what, part):
    with pytest.raises(zoo.ZooError, match=part):
        check_user_network(create("nets:Returns", what=what), (8, 8, 3))


@pytest.mark.parametrize(
    ("attribute", "parts"),
    [
        ("AlwaysTraining", "use_running_average"),
        ("NeverTold", "BatchNorm_0.*argument train"),
        ("NeverDropping", "Dropout_0.*argument train"),
        ("OwnStatistics", "statistics.*argument train"),
        ("AlwaysDropping", "deterministic"),
        ("KeepsState", "counts"),
        ("WithAxis", "axis_name"),
        ("Lifted", "nn.remat"),
        ("NeedsMask", "'mask'"),
        ("ModeFirst", "'train' first"),
        ("Embedding", "field out_dim"),
        ("IntegerParameter", "index of int32"),
        ("Wrong", r"8x8x3: TypeError.*nets.py, line \d+"),
    ],
)
def test_what_cannot_be_trained_is_one_line(nets, attribute, parts):
    with pytest.raises(zoo.ZooError, match=parts) as error:
        check_user_network(create(f"nets:{attribute}", num_classes=3), (8, 8, 3))
    assert "\n" not in str(error.value)


def test_each_layer_is_told_of_the_mode(nets):
    check_user_network(create("nets:Forgetful"), (8, 8, 3))
    check_user_network(create("nets:TwoModes"), (8, 8, 3))
    check_user_network(create("nets:ByRandomNumbers"), (8, 8, 3))
    with pytest.warns(zoo.errors.ZooWarning, match=r"block2/Dropout_0, block2/bn of Forgetful .* pass the mode"):
        check_user_network(create("nets:Forgetful", forgets=("block2",)), (8, 8, 3))
    with pytest.raises(zoo.ZooError, match=r"block1/Dropout_0.* of Forgetful .* pass the mode"):
        check_user_network(create("nets:Forgetful", forgets=("block1", "block2")), (8, 8, 3))


def test_two_arguments_of_the_mode_are_both_given(nets):
    model, images = create("nets:TwoModes"), np.ones((4, 8, 8, 3), np.float32)
    variables = jax.device_get(jax.jit(model.init)(jax.random.key(0), images))
    variables["batch_stats"]["BatchNorm_0"]["mean"] = -np.ones(3, np.float32)
    train = jax.jit(partial(model.apply, train=True, mutable=["batch_stats"]))

    def logits_of(images):
        return [train(variables, images, rngs={"dropout": jax.random.key(n)})[0] for n in range(2)]

    assert np.array_equal(*logits_of(images))  # the batch's statistics, of equal images, leave nothing to drop
    assert not np.array_equal(*logits_of(random(*images.shape)))


def test_auxiliary_logits_are_of_the_same_classes(nets):
    check_user_network(create("nets:Auxiliary"), (8, 8, 3))
    with pytest.raises(zoo.ZooError, match=r"\[2, 2\] into aux_logits.* \[2, 3\]"):
        check_user_network(create("nets:Auxiliary", outputs_of_aux=2), (8, 8, 3))
    with pytest.raises(zoo.ZooError, match="is_initializing"):
        check_user_network(create("nets:Auxiliary", in_inference=False), (8, 8, 3))


def test_a_frozen_block_of_the_user_runs_as_in_inference(nets):
    model = create("nets:Forgetful")
    images = jax.random.normal(jax.random.key(1), (4, 8, 8, 3))
    variables = model.init(jax.random.key(0), images)
    with in_inference_mode(frozenset({("block1",), ("block1", "bn"), ("block2",), ("block2", "bn")})):
        logits, updated = model.apply(
            variables, images, train=True, rngs={"dropout": jax.random.key(2)}, mutable=["batch_stats"]
        )
    assert np.array_equal(logits, model.apply(variables, images))
    assert all(map(np.array_equal, jax.tree.leaves(updated["batch_stats"]), jax.tree.leaves(variables["batch_stats"])))


def test_a_frozen_module_is_told_though_its_default_is_training():
    class Dropping(nn.Module):
        @nn.compact
        def __call__(self, x, train=True, deterministic=None):
            return nn.Dense(4)(x) * (2 if train and not deterministic else 1)

    images = jnp.ones((1, 4))
    variables = Dropping().init(jax.random.key(0), images)
    with in_inference_mode(frozenset({()})):
        frozen = Dropping().apply(variables, images)
    assert np.array_equal(frozen, Dropping().apply(variables, images, train=False))
