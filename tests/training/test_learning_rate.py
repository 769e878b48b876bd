"""The schedules of the learning rate, against formulas that are written out here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.training import Recipe, learning_rate_schedule
from zoo.training.config.decays import parse_epochs
from zoo.training.config.overrides import with_given
from zoo.training.config.unused_settings import check_used
from zoo.training.learning_rate import depends_on_epochs, peak_learning_rate

STEPS, LONGEST = 25, 450  # per epoch, of all runs here


def rates_of(steps=STEPS, **settings):
    """The numbers of a run's updates, and the rate of each."""
    recipe = Recipe(**{"epochs": 12, "learning_rate": 0.4, "warmup_epochs": 0.0, **settings})
    rate = learning_rate_schedule(recipe, steps)
    updates = recipe.epochs * steps // recipe.accumulate
    # By one program: operation by operation takes longer to compile.
    found = np.asarray(jax.jit(jax.vmap(rate))(np.arange(LONGEST, dtype=np.int32)), np.float64)[:updates]
    return np.arange(updates, dtype=np.float64), found


def test_staircase_every_so_many_epochs_is_tensorflows_staircase():
    # tf.train.exponential_decay(staircase=True), as in the programs of Inception v3 and EfficientNet.
    n, found = rates_of(schedule="staircase", decay_epochs=2.4, decay_rate=0.94)
    np.testing.assert_allclose(found, 0.4 * 0.94 ** np.floor(n / (2.4 * STEPS) + 1e-9), rtol=1e-5)


def test_staircase_at_given_epochs_is_torchs_multistep():
    n, found = rates_of(schedule="staircase", decay_at="3,6.5,8", decay_rate=0.2)
    drops = sum((n >= epoch * STEPS).astype(int) for epoch in (3, 6.5, 8))
    np.testing.assert_allclose(found, 0.4 * 0.2**drops, rtol=1e-5)


def test_staircase_without_epochs_falls_after_each_third_of_the_run():
    n, found = rates_of(schedule="staircase")
    np.testing.assert_allclose(found, 0.4 * 0.1 ** (n // 100), rtol=1e-5)


def test_exponential_is_a_staircase_without_steps():
    n, found = rates_of(schedule="exponential", decay_epochs=2.4, decay_rate=0.94)
    np.testing.assert_allclose(found, 0.4 * 0.94 ** (n / (2.4 * STEPS)), rtol=1e-5)
    np.testing.assert_allclose(rates_of(schedule="exponential")[1], 0.4 * 0.1 ** (n / 100), rtol=1e-5)


def test_polynomial_is_caffes():
    # base_lr * (1 - iter / max_iter) ^ power
    n, found = rates_of(schedule="polynomial", decay_power=0.5)
    np.testing.assert_allclose(found, 0.4 * (1 - n / 300) ** 0.5, rtol=1e-5)
    np.testing.assert_allclose(rates_of(schedule="polynomial", decay_power=1.0)[1], 0.4 * (1 - n / 300), rtol=1e-5)


def test_one_cycle_has_torchs_constants():
    n, found = rates_of(schedule="one_cycle")
    rising, falling = n / 90, (n - 90) / 210
    start, end = 0.4 / 25, 0.4 / 25 / 1e4

    def cosine(first, last, share):
        return last + (first - last) / 2 * (1 + np.cos(np.pi * share))

    expected = np.where(n < 90, cosine(start, 0.4, rising), cosine(0.4, end, falling))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    assert found.argmax() == 90


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_run_of_few_updates_has_finite_rates(steps):
    for schedule in ("one_cycle", "polynomial", "staircase", "exponential"):
        _, found = rates_of(epochs=1, steps=steps, schedule=schedule)
        assert np.isfinite(found).all() and (found >= 0).all() and found.max() <= 0.4 + 1e-6


def test_decays_count_from_the_start_of_the_run_warmup_included():
    # Goyal et al. 2017: 5 epochs of warmup, then a tenth at the epochs 30, 60 and 80 of all.
    recipe = {"epochs": 90, "warmup_epochs": 5.0, "schedule": "staircase", "decay_at": "30,60,80"}
    n, found = rates_of(steps=4, **recipe)
    drops = sum((n >= 4 * epoch).astype(int) for epoch in (30, 60, 80))
    np.testing.assert_allclose(found, np.where(n < 20, 0.4 * n / 20, 0.4 * 0.1**drops), rtol=1e-5)
    # EfficientNet's program: the warmup replaces the first decays.
    recipe = {"epochs": 30, "warmup_epochs": 5.0, "schedule": "staircase", "decay_epochs": 2.4, "decay_rate": 0.97}
    n, found = rates_of(steps=10, **recipe)
    np.testing.assert_allclose(found, np.where(n < 50, 0.4 * n / 50, 0.4 * 0.97 ** (n // 24)), rtol=1e-5)


def test_epochs_of_decays_are_counted_in_updates():
    n, found = rates_of(steps=10, accumulate=4, schedule="staircase", decay_at="3")
    np.testing.assert_allclose(found, np.where(4 * n >= 3 * 10, 0.04, 0.4), rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "stretched"),
    [
        ({"schedule": "polynomial"}, True),
        ({"schedule": "one_cycle"}, True),
        ({"schedule": "staircase"}, True),
        ({"schedule": "exponential"}, True),
        ({"schedule": "staircase", "decay_epochs": 2.0}, False),
        ({"schedule": "staircase", "decay_at": "2,5"}, False),
        ({"schedule": "exponential", "decay_epochs": 2.0}, False),
    ],
)
def test_a_longer_run_has_the_same_rates_where_epochs_are_given_and_is_stretched_elsewhere(settings, stretched):
    short, long = (rates_of(epochs=epochs, **settings)[1][: 9 * STEPS] for epochs in (9, 18))
    assert depends_on_epochs(Recipe(**settings)) == stretched == (not np.array_equal(short, long))


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"decay_at": "30;60"}, "decay_at is '30;60': give epochs"),
        ({"decay_at": "60,30"}, "in ascending order"),
        ({"decay_at": ""}, "decay_at is ''"),
        ({"decay_at": "0,5"}, "decay_at is '0,5'"),
        ({"decay_at": "nan"}, "such as 30,60,80"),
        ({"decay_at": ",".join(map(str, range(1, 20_000)))}, "give epochs"),
        ({"decay_epochs": 1e-9}, "more than 10,000 decays"),
        ({"decay_rate": 0.0}, "decay_rate is 0.0"),
        ({"schedule": "step"}, "staircase, exponential, polynomial, one_cycle"),
    ],
)
def test_impossible_decays_are_one_clear_line(settings, part):
    with pytest.raises(zoo.ZooError, match=part) as error:
        Recipe(**settings)
    assert len(str(error.value)) < 300


def test_epochs_are_read_as_they_are_written():
    assert [float(epoch) for epoch in parse_epochs("0.1,91.02,1e2", "decay_at")] == [0.1, 91.02, 100]
    assert 3 * parse_epochs("0.1", "decay_at")[0] * 10 == 3


@pytest.mark.parametrize(
    ("settings", "name", "part"),
    [
        ({}, "decay_rate", "the schedule is cosine"),
        ({}, "decay_epochs", "the schedule is cosine"),
        ({"schedule": "exponential"}, "decay_at", "it is that of staircase"),
        ({"schedule": "linear"}, "decay_power", "it is that of polynomial"),
        ({"schedule": "one_cycle"}, "warmup_epochs", "a rise of its own"),
        ({"schedule": "one_cycle"}, "warmup_start", "a rise of its own"),
        ({"warmup_epochs": 0.0}, "warmup_start", "warmup_epochs is 0"),
        ({"schedule": "staircase", "decay_at": "3"}, "decay_epochs", "decay_at is 3"),
        ({"schedule": "staircase", "decay_at": "20,30"}, "decay_at", "only 20 epochs"),
        ({"schedule": "staircase", "decay_epochs": 30.0}, "decay_epochs", "only 20 epochs"),
    ],
)
def test_a_decay_without_effect_is_refused(settings, name, part):
    with pytest.raises(zoo.ZooError, match=part):
        check_used(Recipe(**settings), [name])
    check_used(Recipe(schedule="staircase", decay_at="3,19"), ["decay_at", "decay_rate", "warmup_epochs"])
    check_used(Recipe(schedule="exponential", decay_epochs=30.0), ["decay_epochs"])


@pytest.mark.parametrize("name", ["staircase", "exponential", "polynomial", "one_cycle"])
def test_the_rate_in_a_compiled_step_is_the_one_that_is_logged(name):
    rate = learning_rate_schedule(Recipe(schedule=name), STEPS)
    for number in (0, 30, 200, 499):
        compiled = jax.jit(rate)(jnp.int32(number))
        assert compiled.dtype == jnp.float32
        np.testing.assert_allclose(compiled, float(rate(number)), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({"optimizer": "sgd", "rate_batch": 256, "batch_size": 1024}, 4),  # Goyal et al. 2017
        ({"optimizer": "rmsprop", "rate_batch": 256, "batch_size": 64}, 1 / 4),
        ({"optimizer": "lamb", "rate_batch": 2048, "batch_size": 512}, 1 / 2),  # You et al. 2019
        ({"optimizer": "adamw", "rate_batch": 512, "batch_size": 128, "accumulate": 16}, 2),
        ({"optimizer": "sgd", "batch_size": 1024}, 1),
    ],
)
def test_the_rate_is_scaled_from_the_batch_that_it_is_given_for(settings, factor):
    for schedule in ("constant", "cosine", "staircase", "exponential", "polynomial", "linear"):
        given = rates_of(schedule=schedule, **{**settings, "rate_batch": 0})[1]
        np.testing.assert_allclose(rates_of(schedule=schedule, **settings)[1], factor * given, rtol=1e-5)


def test_a_warmup_begins_at_a_share_of_its_end():
    # torch's LinearLR(start_factor=0.01, total_iters=50), then CosineAnnealingLR(T_max=250)
    n, found = rates_of(warmup_epochs=2.0, warmup_start=0.01)
    cosine = 0.2 * (1 + np.cos(np.pi * (n - 50) / 250))
    np.testing.assert_allclose(found, np.where(n < 50, 0.4 * (0.01 + 0.99 * n / 50), cosine), rtol=1e-4, atol=1e-7)


def test_a_rate_that_is_given_is_not_scaled():
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, rate_batch=256, batch_size=512)
    assert peak_learning_rate(recipe) == 0.2
    assert peak_learning_rate(with_given(recipe, {"batch_size": 64})) == 0.025
    assert peak_learning_rate(with_given(recipe, {"learning_rate": 0.3})) == 0.3
    assert peak_learning_rate(with_given(recipe, {"learning_rate": 0.3, "rate_batch": 128})) == 1.2
