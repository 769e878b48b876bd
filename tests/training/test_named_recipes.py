"""The recipes of --recipe fit every network, or are refused with a flag that helps."""

import re

import numpy as np
import pytest

import zoo
from zoo.errors import ZooError
from zoo.training.config.recipes.named import NAMED
from zoo.training.resolve_config import resolve_config


class Photographs:
    """Images in any number, of which none is kept."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"image": np.zeros((375, 500, 3), np.uint8), "label": index % 1000}


DATASET = zoo.data.Dataset(
    "photographs", Photographs(1_281_167), Photographs(50_000), tuple(f"class {n}" for n in range(1000)), (375, 500, 3)
)


def resolved(model, name, **settings):
    # A machine for tests has no room for the batches of the recipes.
    return resolve_config(model, DATASET, {"batch_size": 16, **settings}, recipe_name=name)


def test_an_image_size_of_a_recipe_that_is_too_small_names_the_flag_that_helps():
    with pytest.raises(ZooError, match="too small for AlexNet") as error:
        resolved("alexnet", "speedrun")
    size = int(re.search(r"--image-size (\d+)", str(error.value))[1])
    assert resolved("alexnet", "speedrun", image_size=size).preprocessing.image_shape == (size, size, 3)


@pytest.mark.slow
@pytest.mark.parametrize("model", zoo.list_models())
def test_every_recipe_on_every_network(model):
    for name in NAMED:
        size = NAMED[name].settings.get("image_size", zoo.model_info(model).input_size)
        try:
            assert resolved(model, name).preprocessing.image_shape == (size, size, 3)
        except ZooError as error:
            # Its images are those of a small data set.
            assert size < 64 and "--image-size" in str(error)
