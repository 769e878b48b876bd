"""Weights from run folders, as train.py's own code writes them."""

import json
import os
import shutil
from functools import partial

import jax
import numpy as np
import optax
import pytest
from quick import drawn

import zoo
from zoo.data import Preprocessing
from zoo.training import Recipe, RunConfig, RunFolder, create_state
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights
from zoo.training.checkpoint.checkpoints import open_checkpointer
from zoo.training.checkpoint.checksums import with_checksums
from zoo.training.checkpoint.saved_state import arrays

NAMES = ("cat", "dog", "bird")
PREPROCESSING = Preprocessing(image_shape=(32, 32, 3), mean=(0.5,) * 3, std=(0.2,) * 3, fit="pad", crop=0.9)
OPTIMIZERS = {"plain": optax.sgd(0.1), "adam": optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3))}


def config(model, **fields):
    return RunConfig(
        model=model, dataset="pets", recipe=Recipe(), preprocessing=PREPROCESSING, class_names=NAMES, fields=fields
    )


def saved_run(path, model, accuracies, optimizer=OPTIMIZERS["plain"]):
    """A run with a checkpoint for each {step: accuracy or None}; the variables to which each adds its step."""
    folder, network = RunFolder(path), zoo.create_model(model, num_classes=3)
    folder.start(config(model))
    variables = drawn(network, PREPROCESSING.image_shape)
    # One program: leaf by leaf takes longer to compile.
    make = jax.jit(partial(create_state, network, optimizer, mean=PREPROCESSING.mean, std=PREPROCESSING.std))
    with open_checkpointer(folder, 10) as checkpointer:
        for step, accuracy in accuracies.items():
            moved = jax.tree.map(lambda leaf, step=step: leaf + np.float32(step), variables)
            state = make(moved, jax.random.key(0))
            metrics = None if accuracy is None else {"test_accuracy": accuracy}
            kept = with_checksums({}, arrays(state))
            checkpointer.save_checkpointables(step, {"state": arrays(state)}, metrics=metrics, custom_metadata=kept)
    return variables


def assert_of_step(weights, variables, step):
    assert set(weights.variables) == set(variables)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b + np.float32(step)), weights.variables, variables)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_variables_and_all_that_predictions_need(tmp_path, optimizer):
    variables = saved_run(tmp_path / "run", "mobilenet_v3_small", {4: 0.5}, OPTIMIZERS[optimizer])
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    weights = checkpoint_weights(tmp_path / "run")
    assert_of_step(weights, variables, 4)
    assert "batch_stats" in variables
    assert weights.model == "mobilenet_v3_small" and weights.fields == {"num_classes": 3}
    assert weights.class_names == NAMES and weights.preprocessing == PREPROCESSING
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    ("accuracies", "step"),
    [
        ({1: 0.5, 2: 0.7, 3: 0.6}, 2),
        ({1: 0.7, 2: 0.7, 3: 0.6}, 2),
        ({1: 0.5, 2: None}, 1),
        ({1: 0.0, 2: None}, 1),
        ({1: None, 2: None, 10: None}, 10),
    ],
)
def test_the_best_checkpoint_else_the_latest(tmp_path, accuracies, step):
    variables = saved_run(tmp_path / "run", "lenet5", accuracies)
    assert_of_step(checkpoint_weights(tmp_path / "run"), variables, step)


def test_a_step_by_its_number(tmp_path):
    variables = saved_run(tmp_path / "run", "lenet5", {1: 0.5, 2: 0.7})
    assert_of_step(checkpoint_weights(tmp_path / "run", 1), variables, 1)
    with pytest.raises(zoo.ZooError, match=r"no checkpoint of step 3 in .*: it has 1, 2"):
        checkpoint_weights(tmp_path / "run", 3)


def test_fields_and_auxiliary_heads_are_the_runs():
    plain = config("efficientnet_b0", epsilon=0.001)
    assert plain.network_fields() == {"epsilon": 0.001, "num_classes": 3}
    with_heads = RunConfig(**{**plain.__dict__, "recipe": Recipe(aux_heads=True)})
    assert with_heads.network_fields() == {"epsilon": 0.001, "aux_heads": True, "num_classes": 3}


def test_no_run_and_no_checkpoint(tmp_path):
    with pytest.raises(zoo.ZooError, match=r"no training run in .*nothing: it has no config\.json"):
        checkpoint_weights(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    RunFolder(tmp_path / "run").start(config("lenet5"))
    with pytest.raises(zoo.ZooError, match=r"no checkpoint in .*steps"):
        checkpoint_weights(tmp_path / "run")
    assert not (tmp_path / "run" / "steps").exists()


def damages(path):
    """Truncated as a whole, without its description, without its arrays."""
    state = path / "steps" / "1" / "state"
    yield lambda: [file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]) for file in files(state)]
    yield lambda: (state / "_METADATA").unlink()
    yield lambda: [file.write_bytes(b"") for file in files(state / "d")]
    yield lambda: shutil.rmtree(state / "d")
    yield lambda: shutil.rmtree(state)
    yield lambda: ((state / "_METADATA").unlink(), os.mkfifo(state / "_METADATA"))  # which Orbax would wait for


def files(folder):
    return [file for file in folder.rglob("*") if file.is_file()]


def test_a_damaged_checkpoint_is_one_clear_line(tmp_path):
    saved_run(tmp_path / "whole", "lenet5", {1: 0.5})
    for damage in damages(tmp_path / "run"):
        shutil.copytree(tmp_path / "whole", tmp_path / "run")
        damage()
        with pytest.raises(zoo.ZooError, match=r"steps/1 cannot be read: .*rename that folder") as error:
            checkpoint_weights(tmp_path / "run")
        assert "\n" not in str(error.value)
        shutil.rmtree(tmp_path / "run")


def test_damaged_metrics_are_one_clear_line(tmp_path):
    saved_run(tmp_path / "run", "lenet5", {1: 0.5})
    (tmp_path / "run" / "steps" / "1" / "metrics" / "metrics").write_text("{")
    with pytest.raises(zoo.ZooError, match=r"steps/1/metrics/metrics is not JSON"):
        checkpoint_weights(tmp_path / "run")


def test_a_checkpoint_of_another_network_lists_both_sides(tmp_path):
    saved_run(tmp_path / "run", "lenet5", {1: 0.5})
    file = tmp_path / "run" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "model": "lenet5_1998"}))
    with pytest.raises(zoo.ZooError, match=r"not the weights of lenet5_1998: missing .*; left over .*output/kernel"):
        checkpoint_weights(tmp_path / "run")
