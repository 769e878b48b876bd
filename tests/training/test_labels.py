"""Labels that are not classes, splits without images, and batch norms over one value: one line each."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from short_runs import CONFIG, DATASET, run
from test_clock import Linear, linear_recipe
from tiny import INFO

import zoo
from zoo.data import eval_batches, train_batches
from zoo.data.batches import load_all
from zoo.data.dataset import ArraySource
from zoo.data.errors import DataError
from zoo.inference.evaluation import evaluate
from zoo.training import Recipe, create_state, eval_step, make_optimizer, train_step
from zoo.training.check_batch_norms import check_batch_norms
from zoo.training.resolve_config import resolve_config
from zoo.weights.files import Weights

OUTSIDE = [-1, 4, -(2**31), 255, 2**40, 1.5, float("nan")]
PREPROCESSING = CONFIG.preprocessing


def with_label(source, index, label):
    """The source with another label of one image."""
    labels = np.array(source.labels.tolist(), np.float64 if isinstance(label, float) else np.int64)
    labels[index] = label
    return ArraySource(source.images, labels)


def split_without_images():
    return ArraySource(np.zeros((0, 16, 16, 1), np.uint8), np.zeros(0, np.int64))


@pytest.mark.parametrize("label", OUTSIDE)
def test_a_label_that_is_no_class_is_named_with_its_image(label):
    source = with_label(DATASET.train, 5, label)
    options = {"preprocessing": PREPROCESSING, "batch_size": 70, "classes": 4}
    for batches in (lambda: train_batches(source, seed=0, **options), lambda: eval_batches(source, **options)):
        with pytest.raises(DataError, match=f"image 5 has the label {label}: "):
            next(iter(batches()))
    with pytest.raises(DataError, match=f"image 5 has the label {label}: "):
        load_all(source, preprocessing=PREPROCESSING, classes=4)


def test_whole_numbers_of_any_type_are_classes():
    for kind in (np.uint8, np.int64, np.int16, np.float32):
        source = ArraySource(DATASET.test.images, DATASET.test.labels.astype(kind))
        (batch,) = eval_batches(source, preprocessing=PREPROCESSING, batch_size=37, classes=4)
        np.testing.assert_array_equal(batch["label"], DATASET.test.labels)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("split", "feed"), [("train", "resident"), ("train", "streamed"), ("test", "resident")])
def test_a_run_ends_at_a_label_that_is_no_class(tmp_path, split, feed):
    dataset = dataclasses.replace(DATASET, **{split: with_label(getattr(DATASET, split), 5, 4)})
    recipe = dataclasses.replace(CONFIG.recipe, feed=feed)
    with pytest.raises(zoo.ZooError, match="image 5 has the label 4"):
        run(tmp_path / "run", dataset, config=dataclasses.replace(CONFIG, recipe=recipe))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("test", "test")])
def test_a_split_without_images_is_refused_before_anything_is_compiled(tmp_path, split, word):
    dataset = dataclasses.replace(DATASET, **{split: split_without_images()})
    with pytest.raises(zoo.ZooError, match=f"squares has no {word} images"):
        run(tmp_path / "run", dataset)
    with pytest.raises(zoo.ZooError, match=f"squares has no {word} images"):
        resolve_config("tiny", dataset, {})


@pytest.mark.usefixtures("tiny")
def test_a_run_of_other_classes_than_the_data_is_refused(tmp_path):
    with pytest.raises(zoo.ZooError, match="4 classes, and squares 5"):
        run(tmp_path / "run", dataclasses.replace(DATASET, class_names=("a", "b", "c", "d", "e")))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("label", "message"), [(-1, "image 5 has the label -1"), (4, "image 5 has the label 4")])
def test_evaluate_refuses_labels_that_are_no_class_and_an_empty_split(label, message):
    network = INFO.build(num_classes=4)
    variables = zoo.init(network, jax.random.key(0), (16, 16, 1))
    weights = Weights(model="tiny", variables=variables, preprocessing=PREPROCESSING, fields={"num_classes": 4})
    for test, expected in ((with_label(DATASET.test, 5, label), message), (split_without_images(), "no test images")):
        with pytest.raises(zoo.ZooError, match=expected):
            evaluate(weights, dataclasses.replace(DATASET, test=test), batch_size=40)


@pytest.mark.parametrize("settings", [{"label_smoothing": 0.1}, pytest.param({"mixup": 0.2}, marks=pytest.mark.slow)])
def test_inside_jit_a_label_that_is_no_class_changes_nothing_and_is_reported(settings):
    recipe = linear_recipe(**settings)
    params = {"fc": {"kernel": jnp.ones((12, 3))}}
    state = create_state(
        Linear(),
        make_optimizer(recipe, 10),
        {"params": params},
        jax.random.key(0),
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        recipe=recipe,
    )
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (4, 2, 2, 3), np.uint8))
    step, evaluate_step = jax.jit(train_step), jax.jit(eval_step)
    for labels, valid in (([0, 1, 2, 0], True), ([0, -1, 2, 0], False), ([0, 1, 3, 0], False)):
        batch = {"image": images, "label": jnp.array(labels)}
        after, metrics = step(state, batch)
        assert bool(metrics["finite"]) == bool(jnp.isfinite(metrics["loss"])) == valid
        assert bool((after.params["fc"]["kernel"] != params["fc"]["kernel"]).any()) == valid
        # Evaluation has neither smoothing nor mixing.
        tested = evaluate_step(state, {**batch, "mask": jnp.array([True] * 4)})
        assert bool(jnp.isfinite(tested["loss"])) == valid
        # Images that only pad a batch may have any label.
        padded = evaluate_step(state, {**batch, "mask": jnp.array([True, False, False, True])})
        assert bool(jnp.isfinite(padded["loss"])) and int(padded["images"]) == 2


def test_a_batch_norm_over_one_value_per_channel_is_refused_before_the_run():
    network = zoo.create_model("resnet18", num_classes=4)
    with pytest.raises(zoo.ZooError, match=r"batch_size is 1: the batch norm \S+ would see one value"):
        check_batch_norms(network, Recipe(batch_size=1), (32, 32, 3))
