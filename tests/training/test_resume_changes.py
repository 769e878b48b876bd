"""What may change when a run is resumed: more epochs, other learning rates; and what is refused."""

import dataclasses
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from short_runs import CONFIG, DATASET, final_state, measured_rows, run, squares, with_recipe

from zoo.errors import ZooError
from zoo.training import Recipe, RunFolder, learning_rate_schedule
from zoo.training.checkpoint.checksums import shapes
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.checkpoint.saved_state import arrays
from zoo.training.initial_state import state_initializer
from zoo.training.resume_config import MAY_CHANGE, WHY_FIXED, ResumeRequest, describe_changes, resume_config

pytestmark = pytest.mark.usefixtures("tiny")

DOCS = Path(__file__).parents[2] / "docs" / "runs.md"
NAMES = [field.name for field in dataclasses.fields(Recipe)]
# Another value of each setting that may change.
OTHER = {
    "epochs": 7,
    "learning_rate": 0.5,
    "schedule": "linear",
    "warmup_epochs": 0.0,
    "decay_rate": 0.5,
    "decay_epochs": 2.0,
    "decay_at": "2,5",
    "decay_power": 2.0,
    "plateau_patience": 3,
    "rate_batch": 256,
    "warmup_start": 0.01,
    "decay_norms": True,
    "batch_norm_momentum": 0.99,
    "loss": "bce",
    "bce_threshold": 0.2,
    "momentum": 0.5,
    "nesterov": False,
    "rms_epsilon": 1.0,
    "layer_decay": 0.5,
    "weight_decay": 0.0,
    "clip_norm": 1.0,
    "clip_adaptive": 0.01,
    "label_smoothing": 0.1,
    "aux_weight": 0.5,
    "balance": True,
    "crop": 0.5,
    "crop_sizes": "16-20",
    "eval_size": 32,
    "eval_crop": 0.875,
    "shift": 2,
    "flip": True,
    "auto_augment": True,
    "randaugment": 9.0,
    "randaugment_ops": 3,
    "randaugment_std": 0.5,
    "randaugment_form": "timm",
    "trivial_augment": True,
    "augment_interpolation": "bilinear",
    "color_jitter": 0.4,
    "hue_jitter": 0.1,
    "lighting": 0.1,
    "erase": 0.5,
    "erase_area": 0.33,
    "erase_noise": True,
    "mixup": 0.2,
    "cutmix": 1.0,
    "mix_per_image": True,
    "dtype": "bfloat16",
    "bn_group": 4,
}


def changed(stored, step=12, dataset=DATASET, **overrides):
    """The configuration of a run after `step` with these settings."""
    return resume_config(stored, Path("run"), dataset, ResumeRequest(model="tiny", overrides=overrides), step=step)


def extend(path, **overrides):
    """Resume the run in a folder with these settings."""
    folder = RunFolder(path)
    folder.write_config(changed(folder.read_config(), saved_steps(folder)[-1], **overrides))
    return run(path, resume=True)


def test_each_setting_may_change_or_has_a_reason():
    assert sorted([*MAY_CHANGE, *WHY_FIXED]) == sorted(NAMES)
    assert OTHER.keys() == MAY_CHANGE
    may, may_not = (
        row for row in DOCS.read_text().splitlines() if row.startswith(("| may change | `epochs`", "| may not, "))
    )
    assert set(re.findall("`([a-z_]+)`", may)) - {"earlier"} == MAY_CHANGE
    assert set(re.findall("`([a-z_]+)`", may_not)) == WHY_FIXED.keys()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_the_state_does_not_depend_on_what_may_change(optimizer):
    def state_shapes(**changes):
        make = state_initializer(with_recipe(optimizer=optimizer, aux_heads=True, **changes), 4)
        return shapes(arrays(jax.eval_shape(make, jax.random.key(0), {})))

    before = state_shapes()
    assert all(state_shapes(**{name: value}) == before for name, value in OTHER.items())


def test_a_finished_run_with_more_epochs_is_the_longer_run(tmp_path):
    recipe = {"schedule": "staircase", "decay_at": "1,3", "accumulate": 2, "ema": 0.9, "feed": "resident"}
    run(tmp_path / "long", config=with_recipe(epochs=4, **recipe))
    assert run(tmp_path / "run", config=with_recipe(epochs=2, **recipe)).step == 8
    assert extend(tmp_path / "run", epochs=4).step == 16
    jax.tree.map(np.testing.assert_array_equal, final_state(tmp_path / "run"), final_state(tmp_path / "long"))
    assert measured_rows(tmp_path / "run") == measured_rows(tmp_path / "long")


@pytest.mark.slow
def test_the_learning_rate_becomes_that_of_the_longer_run(tmp_path):
    run(tmp_path / "run", config=with_recipe(epochs=2))
    assert extend(tmp_path / "run", epochs=4, learning_rate=0.02).step == 16
    config = RunFolder(tmp_path / "run").read_config()
    assert [(earlier.until_step, earlier.recipe.epochs) for earlier in config.earlier] == [(8, 2)]
    short = learning_rate_schedule(with_recipe(epochs=2).recipe, 4)
    long = learning_rate_schedule(with_recipe(epochs=4, learning_rate=0.02).recipe, 4)
    rates = [row["learning_rate"] for row in measured_rows(tmp_path / "run")]
    np.testing.assert_allclose(rates, [short(3), short(7), long(11), long(15)], rtol=1e-6)
    (change,) = describe_changes(config)
    assert "after step 8: epochs 4 (before: 2), learning_rate 0.02 (before: 0.01); the learning rate" in change


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"schedule": "staircase", "decay_at": "1,2"}, False),
        ({"schedule": "exponential", "decay_epochs": 2.0}, False),
        ({"schedule": "staircase"}, True),
        ({"schedule": "polynomial"}, True),
        ({"schedule": "one_cycle"}, True),
    ],
)
def test_more_epochs_say_that_the_learning_rate_is_another_where_it_is(settings, said):
    (change,) = describe_changes(changed(with_recipe(**settings), epochs=9))
    assert ("that of a run of 9 epochs" in change) == said


def test_the_configuration_after_each_change():
    once = changed(CONFIG, 5, epochs=9)
    assert once.recipe == dataclasses.replace(CONFIG.recipe, epochs=9)
    twice = changed(once, 30, flip=True)
    assert [(earlier.until_step, earlier.recipe) for earlier in twice.earlier] == [
        (5, CONFIG.recipe),
        (30, once.recipe),
    ]
    assert changed(twice, 32).earlier == changed(twice, 32, epochs=9, flip=True).earlier == twice.earlier
    assert not changed(CONFIG, 0, epochs=9).earlier  # nothing was trained with the other recipe


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        *(({name: value}, (f"has {name} ", WHY_FIXED[name])) for name, value in [("batch_size", 8), ("seed", 1)]),
        ({"optimizer": "lamb", "epochs": 40}, ("has optimizer adamw (given: lamb)", "omit that")),
        ({"epochs": 2}, ("epochs is 2", "3 already")),
        ({"flip": True}, ("flip would have no effect", "all 3 epochs are done", "--epochs")),
        ({"epochs": 9, "momentum": 0.5}, ("momentum is given and has no effect",)),
        ({"epochs": 9, "shift": 99}, ("shift is 99",)),
        ({"epochs": 9, "decay_at": "4"}, ("decay_at is given and has no effect", "cosine")),
    ],
)
def test_refusals_are_one_line(overrides, parts):
    with pytest.raises(ZooError) as error:
        changed(CONFIG, **overrides)
    assert all(part in str(error.value) for part in parts) and "\n" not in str(error.value)


def test_another_data_set_of_the_same_name_is_refused():
    stored = dataclasses.replace(CONFIG, data=DATASET.origin)
    assert changed(stored, 4) == stored
    reordered = dataclasses.replace(DATASET.train, labels=DATASET.train.labels[::-1])
    for source, part in ((squares(71, 0), r"images of a \(18 then\)"), (reordered, "other training images")):
        with pytest.raises(ZooError, match=part):
            changed(stored, 4, dataclasses.replace(DATASET, train=source))
    with pytest.raises(ZooError, match="missing: d; new: e"):
        changed(stored, 4, dataclasses.replace(DATASET, class_names=("a", "b", "c", "e")))
