"""The batch size of a new run on few images."""

import dataclasses
import os
from pathlib import Path

import jax
import pytest
from short_runs import DATASET, squares

from zoo.errors import ZooError
from zoo.training.config.recipe import Recipe
from zoo.training.resolve_config import check_batches, resolve_config
from zoo.training.resume_config import ResumeRequest, resume_config

DEVICES = jax.device_count()


def few(count):
    return dataclasses.replace(DATASET, train=squares(count, 0))


@pytest.mark.parametrize(("images", "expected"), [(1000, 128), (128, 128), (127, 124), (50, 48), (11, 8), (4, 4)])
def test_few_images_train_with_the_batch_that_fits(images, expected):
    assert DEVICES == 4
    assert resolve_config("lenet5", few(images), {}).recipe.batch_size == expected
    named = resolve_config("lenet5", few(images), {}, recipe_name="speedrun").recipe.batch_size
    assert named == min(256, images) // DEVICES * DEVICES


def test_a_batch_size_that_was_asked_for_is_not_changed():
    for images in (50, 11):
        with pytest.raises(ZooError, match=f"batch_size is 64: squares has only {images} training images"):
            resolve_config("lenet5", few(images), {"batch_size": 64})


def test_fewer_images_than_devices_are_one_line():
    with pytest.raises(ZooError, match="only 3 training images") as caught:
        resolve_config("lenet5", few(3), {})
    assert "\n" not in str(caught.value)


def test_such_a_run_is_resumed_with_its_named_recipe():
    data = few(50)
    config = resolve_config("lenet5", data, {}, recipe_name="speedrun")
    request = ResumeRequest(model="lenet5", overrides={}, recipe_name="speedrun")
    assert resume_config(config, Path(os.devnull), data, request, step=3) == config
    with pytest.raises(ZooError, match="batch_size 48"):
        changed = dataclasses.replace(request, overrides={"batch_size": 8})
        resume_config(config, Path(os.devnull), data, changed, step=3)


def test_more_steps_than_jax_counts_are_one_line():
    dataset = dataclasses.replace(DATASET, train=range(10_000_000))
    with pytest.raises(ZooError, match="epochs is 1000: these are 2500000000 steps"):
        check_batches(Recipe(epochs=1000, batch_size=4), dataset)
