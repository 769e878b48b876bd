"""Cascading randomisation: which layers are initialised again."""

import jax
import numpy as np
import pytest
from small_networks import Small, images, variables_of

import zoo
from zoo.visualize import randomize_weights, saliency
from zoo.weights import fold_batchnorm

KEY = jax.random.key(3)


def changed(before, after):
    """The modules whose parameters differ."""
    pairs = jax.tree.map(lambda old, new: bool((np.asarray(old) != np.asarray(new)).any()), before, after)
    return {path[1].key for path, differs in jax.tree.leaves_with_path(pairs) if differs}


@pytest.mark.parametrize(
    ("down_to", "expected"),
    [
        ("fc", {"fc"}),
        ("conv3", {"fc", "conv3"}),
        ("conv2", {"fc", "conv3", "conv2"}),
        ("conv1", {"fc", "conv3", "conv2", "conv1"}),
        (None, {"fc", "conv3", "conv2", "conv1"}),
    ],
)
def test_all_layers_from_the_logits_down_are_initialised_again(down_to, expected):
    model = Small(norm=True)
    variables = variables_of(model)
    mixed = randomize_weights(model, variables, KEY, down_to)
    assert changed(variables, mixed) == expected
    fresh = zoo.init(model, KEY)
    for name in expected:
        for collection in set(fresh) & {"params", "batch_stats"}:
            for old, new in zip(
                jax.tree.leaves(fresh[collection].get(name)), jax.tree.leaves(mixed[collection].get(name)), strict=True
            ):
                np.testing.assert_array_equal(old, new)


def test_a_part_of_a_block_and_the_layers_after_it():
    model = Small(norm=True)
    variables = variables_of(model)
    mixed = randomize_weights(model, variables, KEY, "conv3/bn")
    np.testing.assert_array_equal(
        mixed["params"]["conv3"]["conv"]["kernel"], variables["params"]["conv3"]["conv"]["kernel"]
    )
    assert (mixed["batch_stats"]["conv3"]["bn"]["mean"] == 0).all()


def test_a_collection_without_variables_is_none():
    model = Small()
    variables = variables_of(model)
    assert changed(variables, randomize_weights(model, {**variables, "batch_stats": {}}, KEY, "fc")) == {"fc"}


def test_a_picture_of_other_weights_is_another_picture():
    model, x = Small(), images(1)
    variables = variables_of(model)
    learned, random = (saliency(model, v, x, 0) for v in (variables, randomize_weights(model, variables, KEY, "fc")))
    assert not np.allclose(learned, random)


def test_bad_input_is_one_clear_line():
    model = Small(norm=True)
    variables = variables_of(model)
    with pytest.raises(zoo.ZooError, match=r"Small .*'conv33'.*did you mean conv"):
        randomize_weights(model, variables, KEY, "conv33")
    folded = fold_batchnorm("small", variables, model=model)
    with pytest.raises(zoo.ZooError, match=r"Small .*folded"):
        randomize_weights(model, folded, KEY)
