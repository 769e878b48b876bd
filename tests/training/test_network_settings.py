"""Settings of a recipe that are fields of the network, and the moving average that skips updates."""

import dataclasses
import signal

import jax
import numpy as np
import pytest
from short_runs import CONFIG, DATASET, final_state, measured_rows, run, with_recipe

import zoo
from zoo.errors import ZooError
from zoo.training import Recipe, feed
from zoo.training.config.network_settings import for_network, unused_in_network
from zoo.training.config.recipes.named import NAMED
from zoo.training.initial_state import build_network
from zoo.training.learning_rate import describe_rate
from zoo.training.resolve_config import resolve_config

pytestmark = pytest.mark.usefixtures("tiny")


def test_the_network_is_made_with_the_settings_of_the_recipe():
    config = resolve_config("tiny", DATASET, {"dropout": 0.1, "batch_size": 16})
    assert build_network(config).dropout == 0.1 and config.network_fields()["dropout"] == 0.1
    own = resolve_config("tiny", DATASET, {"batch_size": 16})
    assert build_network(own).dropout == 0.3 and "dropout" not in own.network_fields()


def test_a_model_arg_stands_before_the_recipe():
    recipe = Recipe(dropout=0.2, stochastic_depth=0.1)
    assert for_network(recipe, "tiny", {}, {"dropout": 0.4}) == Recipe()
    with pytest.raises(ZooError, match="dropout is given twice"):
        for_network(recipe, "tiny", {"dropout": 0.2}, {"dropout": 0.4})


def test_a_setting_without_a_field():
    recipe = Recipe(dropout=0.2, stochastic_depth=0.05)
    used = for_network(recipe, "tiny", {"dropout": 0.2}, {})
    assert used == Recipe(dropout=0.2)
    (line,) = unused_in_network(recipe, used, "tiny", {})
    assert "tiny" in line and "stochastic_depth 0.05" in line and "dropout" not in line
    assert not unused_in_network(recipe, recipe, "tiny", {})
    with pytest.raises(ZooError, match="stochastic_depth is given and has no effect: tiny has no such field"):
        for_network(recipe, "tiny", {"stochastic_depth": 0.05}, {})


def test_the_scale_of_convnexts_branches():
    config = dataclasses.replace(CONFIG, model="convnext_tiny", recipe=Recipe(layer_scale=1e-3, stochastic_depth=0.2))
    network = build_network(config)
    assert (network.layer_scale, network.stochastic_depth) == (1e-3, 0.2)
    assert zoo.create_model("convnext_tiny").layer_scale == 1e-6


def test_an_average_that_would_never_change_is_refused():
    with pytest.raises(ZooError, match="ema_every is 13: the run has only 12 updates"):
        resolve_config("tiny", DATASET, {"epochs": 3, "batch_size": 16, "ema": 0.9, "ema_every": 13})


@pytest.mark.slow
def test_a_run_with_these_settings_resumes_to_the_bit(tmp_path, monkeypatch):
    recipe = {"optimizer": "sgd", "rate_batch": 8, "warmup_start": 0.1, "decay_norms": True, "ema": 0.5, "ema_every": 3}
    config = with_recipe(**recipe, dropout=0.2, batch_norm_momentum=0.5, epochs=2)
    assert run(tmp_path / "whole", config=config).step == 8
    with monkeypatch.context() as patch:

        def interrupting(self, number, inputs=feed.Streamed.inputs):
            if number == 3:
                signal.raise_signal(signal.SIGTERM)
            return inputs(self, number)

        patch.setattr(feed.Streamed, "inputs", interrupting)
        assert run(tmp_path / "run", config=config).step == 4
    assert run(tmp_path / "run", resume=True).step == 8
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run"), final_state(tmp_path / "whole"))
    assert measured_rows(tmp_path / "run") == measured_rows(tmp_path / "whole")


def test_a_line_says_how_the_rate_was_scaled():
    scaled = Recipe(optimizer="sgd", learning_rate=0.1, rate_batch=256, batch_size=64)
    (line,) = describe_rate(scaled)
    assert "0.025" in line and "0.1 for 256" in line and "in proportion" in line
    (line,) = describe_rate(dataclasses.replace(scaled, optimizer="lamb", accumulate=2))
    assert "0.07071" in line and "128" in line and "square root" in line
    assert not describe_rate(Recipe())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_a_named_recipe_trains(tmp_path, name):
    given = {"epochs": 2, "batch_size": 16, "image_size": 16, "ema": 0.9, "ema_every": 2, "feed": "streamed"}
    config = resolve_config("tiny", DATASET, given, recipe_name=name)
    assert config.recipe.stochastic_depth is None  # tiny has none
    assert run(tmp_path / "run", config=config).step == 8
    assert np.isfinite([row["loss"] for row in measured_rows(tmp_path / "run")]).all()


def test_a_batch_without_room_says_that_the_rate_is_scaled(monkeypatch):
    monkeypatch.setattr("zoo.models.memory_forecast.device_memory", lambda: 10_000)
    given = {"batch_size": 16, "optimizer": "sgd"}
    with pytest.raises(ZooError, match=r"smaller batch size .*scaled with --batch-size"):
        resolve_config("tiny", DATASET, {**given, "rate_batch": 256})
    with pytest.raises(ZooError, match=r"smaller images$"):
        resolve_config("tiny", DATASET, given)
