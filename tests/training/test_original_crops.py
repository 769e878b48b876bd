"""Runs whose images are cropped when they are read, and evaluation at another size and crop."""

import dataclasses

import flax.linen as nn
import jax
import numpy as np
import pytest
from PIL import Image
from short_runs import CONFIG, DATASET, with_recipe

import zoo
from zoo.data import Preprocessing, fit_image, open_dataset
from zoo.runtime.mesh import data_mesh
from zoo.training import Recipe
from zoo.training.augment.augmentation import augment
from zoo.training.check_crops import check_crops
from zoo.training.checkpoint.checkpoint_weights import weights_of_run
from zoo.training.evaluation import load_test_batches
from zoo.training.feed import open_feed, random_crops, resolve_feed
from zoo.training.prepare import read_dataset
from zoo.training.prepared_run import PreparedRun
from zoo.training.resolve_config import resolve_config

PREPROCESSING = Preprocessing(image_shape=(16, 16, 3), mean=(0.5,) * 3, std=(0.25,) * 3)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """24 training and 6 test images of 40 x 30 pixels, in two classes."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for number in range(30):
        path = folder / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8)).resize((40, 30)).save(path)
    return open_dataset(folder)


@pytest.mark.parametrize(
    ("settings", "size", "kind"),
    [
        ({}, 16, "resident"),
        ({"crop": 0.3}, 16, "streamed"),
        ({"crop": 0.3}, 32, "resident"),
        ({"crop": 0.3, "fit": "pad"}, 16, "resident"),
        ({"crop": 0.3, "feed": "resident"}, 16, "resident"),
        ({"crop_sizes": "20-30"}, 16, "streamed"),
    ],
)
def test_crops_of_larger_files_are_streamed(photographs, settings, size, kind):
    preprocessing = dataclasses.replace(PREPROCESSING, image_shape=(size, size, 3))
    assert resolve_feed(Recipe(**settings), photographs, preprocessing) == kind


def test_crops_of_arrays_stay_on_the_devices():
    recipe = dataclasses.replace(CONFIG.recipe, crop=0.3, feed="auto")
    assert resolve_feed(recipe, DATASET, dataclasses.replace(CONFIG.preprocessing, image_shape=(8, 8, 1))) == "resident"


@pytest.mark.parametrize("settings", [{"crop": 0.3}, {"crop_sizes": "20-30"}])
def test_images_are_cropped_once(settings):
    images = np.ones((4, 16, 16, 3), np.float32)
    streamed = Recipe(feed="streamed", flip=True, **settings)
    assert random_crops(streamed, PREPROCESSING).flip
    augmented = augment(jax.random.key(1), images, streamed, (0.5,) * 3, (0.25,) * 3)
    np.testing.assert_array_equal(augmented, images)
    assert random_crops(dataclasses.replace(streamed, feed="resident"), PREPROCESSING) is None


def test_a_feed_has_crops_of_the_originals(photographs):
    recipe = Recipe(batch_size=8, feed="streamed", crop=0.1, flip=True)
    feed = open_feed(photographs, recipe, PREPROCESSING, data_mesh(8))
    first = feed.inputs(0)["image"]
    centred = np.stack([fit_image(photographs.train[i]["image"], (16, 16, 3)) for i in range(24)])
    differences = abs(np.asarray(first, int)[:, None] - centred[None]).mean((2, 3, 4)).min(1)
    assert (differences > 5).sum() >= 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"crop_sizes": "12-20"}, "12-20.*16"),
        ({"crop_sizes": "20", "fit": "pad"}, "fit pad"),
        ({"crop_sizes": "20", "feed": "resident"}, "feed resident"),
    ],
)
def test_crop_sizes_without_room_are_one_line(settings, words):
    with pytest.raises(zoo.ZooError, match=words):
        check_crops(Recipe(**{"feed": "streamed", **settings}), PREPROCESSING)


@pytest.mark.parametrize("text", ["", "0", "512-256", "256-", "-256", "256-512-600", "a", "256.5", "9" * 30, "²"])
def test_crop_sizes_that_are_none_are_one_line(text):
    with pytest.raises(zoo.ZooError, match="crop_sizes"):
        Recipe(crop_sizes=text)


def test_two_kinds_of_crop_are_one_line():
    with pytest.raises(zoo.ZooError, match=r"crop is 0\.3 and crop_sizes 256"):
        Recipe(crop=0.3, crop_sizes="256")


def test_evaluation_has_a_size_and_a_crop_of_its_own(photographs):
    settings = {"fit": "resize", "image_size": 32, "eval_size": 64, "eval_crop": 0.8}
    config = resolve_config("lenet5", photographs, settings)
    assert config.preprocessing.image_shape == (32, 32, 3) and config.preprocessing.crop == 1
    assert config.eval_preprocessing.image_shape == (64, 64, 3) and config.eval_preprocessing.crop == 0.8
    assert resolve_config("lenet5", photographs, {}).eval_preprocessing.crop == 1


@pytest.mark.parametrize("feed", ["resident", "streamed"])
def test_test_images_are_those_of_evaluation(photographs, feed):
    config = resolve_config(
        "lenet5", photographs, {"fit": "resize", "image_size": 32, "eval_size": 64, "eval_crop": 0.8, "feed": feed}
    )
    run = PreparedRun(config=config, dataset=photographs, folder=None)
    if feed == "resident":
        run = dataclasses.replace(run, dataset=read_dataset(photographs, config, run.options, None))
        assert run.dataset.train[0]["image"].shape == (32, 32, 3)
    (batch,) = load_test_batches(run, data_mesh(64), None)
    expected = [fit_image(photographs.test[i]["image"], (64, 64, 3), crop=0.8) for i in range(len(photographs.test))]
    np.testing.assert_array_equal(batch["image"][np.asarray(batch["mask"])], expected)


class Flat(nn.Module):
    """A network for images of one size."""

    num_classes: int = 4

    @nn.compact
    def __call__(self, x, *, train=False):
        return nn.Dense(self.num_classes)(x.reshape(len(x), -1))


def test_an_evaluation_size_that_needs_other_parameters_is_one_line(photographs):
    with pytest.raises(zoo.ZooError, match=r"eval_size is 24.*give --eval-size 0"):
        zoo.train(Flat, DATASET, {"image_size": 16, "eval_size": 24})
    with pytest.raises(zoo.ZooError, match="too small"):
        resolve_config("squeezenet1_1", photographs, {"image_size": 32, "eval_size": 4})


def test_the_weights_of_a_run_are_used_as_they_were_evaluated():
    config = with_recipe(eval_size=24, eval_crop=0.8)
    assert weights_of_run(config, {}).preprocessing == config.eval_preprocessing
