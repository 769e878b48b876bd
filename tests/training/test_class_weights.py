"""Classes of different sizes with the same share of the loss."""

import dataclasses
import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from quick import drawn
from rich.console import Console
from short_runs import CONFIG, DATASET, with_recipe
from sklearn.utils.class_weight import compute_class_weight
from test_mixing import Linear

from zoo.data.class_counts import class_counts, imbalance
from zoo.data.dataset import ArraySource
from zoo.runtime.mesh import data_mesh, replicated, shard_batch
from zoo.training import PreparedRun, Recipe, balanced_weights, create_state, train_step
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.class_weights import class_weights_of
from zoo.training.initial_state import initial_state
from zoo.training.step import cross_entropy

LABELS = np.repeat(np.arange(3), (9, 4, 3)).astype(np.int32)
WEIGHTS = balanced_weights((9, 4, 3))
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 4, 4, 1), np.uint8)
LOGITS = np.random.default_rng(3).normal(size=(16, 3)).astype(np.float32)


class Unlabelled:
    """A source that has to read its examples for their labels."""

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        return {"image": IMAGES[index], "label": int(LABELS[index])}


def imbalanced():
    """The squares with few of the last class."""
    kept = np.flatnonzero((DATASET.train.labels != 3) | (np.arange(70) < 12))
    return dataclasses.replace(DATASET, train=ArraySource(DATASET.train.images[kept], DATASET.train.labels[kept]))


def test_the_weights_are_those_of_scikit_learn():
    np.testing.assert_allclose(WEIGHTS, compute_class_weight("balanced", classes=np.arange(3), y=LABELS), rtol=1e-12)
    assert np.mean(np.array(WEIGHTS)[LABELS]) == pytest.approx(1)


def test_a_class_without_images_has_no_weight():
    assert balanced_weights((4, 0, 12)) == (2.0, 0.0, pytest.approx(2 / 3))


def test_counts_do_not_need_a_source_with_labels():
    assert class_counts(Unlabelled(), 4) == class_counts(ArraySource(IMAGES, LABELS), 4) == (9, 4, 3, 0)
    assert imbalance((9, 4, 3, 0)) == 3 and imbalance((0, 0)) == 1
    assert class_counts(ArraySource(IMAGES, LABELS - 1), 3) == (4, 3, 0)


loss_of = jax.jit(cross_entropy, static_argnums=(2, 3))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_all_classes_have_the_same_share_of_the_loss(smoothing):
    """The mean over a whole data set is the mean over classes of each one's mean."""
    plain = np.asarray(loss_of(LOGITS, LABELS, smoothing))
    weighted = np.asarray(loss_of(LOGITS, LABELS, smoothing, WEIGHTS))
    np.testing.assert_allclose(weighted, plain * np.array(WEIGHTS)[LABELS], rtol=1e-5)
    per_class = [plain[label == LABELS].mean() for label in range(3)]
    assert weighted.mean() == pytest.approx(np.mean(per_class), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_each_part_of_a_mixture_has_the_weight_of_its_class(smoothing):
    first, second = LABELS, LABELS[::-1]
    targets = np.float32(0.7 * np.eye(3)[first] + 0.3 * np.eye(3)[second])
    parts = [np.asarray(loss_of(LOGITS, labels, smoothing, WEIGHTS)) for labels in (first, second)]
    mixed = loss_of(LOGITS, targets, smoothing, WEIGHTS)
    np.testing.assert_allclose(mixed, 0.7 * parts[0] + 0.3 * parts[1], rtol=1e-5)


def linear_state(**recipe):
    model = Linear(num_classes=3, image_shape=(4, 4, 1))
    constants = {"mean": (0.5,), "std": (0.25,), "class_weights": WEIGHTS}
    make = partial(create_state, model, optax.sgd(0.1), recipe=Recipe(**recipe), **constants)
    return jax.jit(make)(drawn(model, model.image_shape), jax.random.key(0))


@pytest.mark.parametrize("recipe", [{}, {"mixup": 0.4, "label_smoothing": 0.1}])
def test_a_step_is_the_same_on_one_device_and_on_four(recipe):
    batch = {"image": IMAGES, "label": LABELS}
    mesh = data_mesh(16)
    assert mesh.size == 4
    one, metrics = jax.jit(train_step)(linear_state(**recipe), batch)
    four, others = jax.jit(train_step)(
        jax.device_put(linear_state(**recipe), replicated(mesh)), shard_batch(batch, mesh)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), one.params, four.params)
    assert float(metrics["loss"]) == pytest.approx(float(others["loss"]), rel=1e-5)


def test_the_step_learns_from_the_weighted_loss():
    state = linear_state()
    images = np.float32((IMAGES / 255 - 0.5) / 0.25)

    def mean_of_classes(params):
        losses = cross_entropy(state.model.apply({"params": params}, images), LABELS)
        return jnp.mean(jnp.array([losses[label == LABELS].mean() for label in range(3)]))

    loss, gradient = jax.jit(jax.value_and_grad(mean_of_classes))(state.params)
    updated, metrics = jax.jit(train_step)(state, {"image": IMAGES, "label": LABELS})
    assert float(metrics["loss"]) == pytest.approx(float(loss), rel=1e-5)
    expected = jax.tree.map(lambda param, part: param - 0.1 * part, *jax.device_get((state.params, gradient)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), updated.params, expected)


@pytest.mark.usefixtures("tiny")
def test_a_run_weights_the_classes_of_its_data(tmp_path):
    dataset = imbalanced()
    counts = np.bincount(dataset.train.labels, minlength=4)
    assert class_weights_of(CONFIG.recipe, dataset) == ()
    weights = class_weights_of(with_recipe(balance=True).recipe, dataset)
    np.testing.assert_allclose(weights, counts.sum() / (4 * counts))
    config = with_recipe(balance=True)
    folder = RunFolder(tmp_path / "run")
    folder.start(config)
    prepared = PreparedRun(config=config, dataset=dataset, folder=folder)
    state, _ = initial_state(prepared, mesh=data_mesh(16), steps_per_epoch=3, console=Console(quiet=True))
    assert state.class_weights == weights


def test_a_run_of_an_earlier_version_has_no_weights(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start(dataclasses.replace(CONFIG, model="lenet5"))
    stored = json.loads(folder.config_file.read_text())
    del stored["recipe"]["balance"]
    folder.config_file.write_text(json.dumps(stored))
    assert folder.read_config().recipe.balance is False
