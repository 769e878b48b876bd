"""The clock of a run after updates that were left out: schedule, logged learning rate and EMA agree with it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from short_runs import Printed

from zoo.training import Recipe, create_state, learning_rate_schedule, make_optimizer, train_step
from zoo.training.learning_rate import count_updates
from zoo.training.loop import print_short_warmup
from zoo.training.schedule import TrainingPlan

STEPS = 20
LEFT_OUT = (2, 3, 7, 8, 11)


class Linear(nn.Module):
    """Logits are a product with the pixels."""

    num_classes: int = 3

    @nn.compact
    def __call__(self, x, *, train=False):
        return nn.Dense(self.num_classes, use_bias=False, name="fc")(x.reshape(len(x), -1))


def linear_recipe(**changes):
    """20 steps, linear from 1 and without warmup."""
    plain = {"epochs": 1, "batch_size": 2, "learning_rate": 1.0, "warmup_epochs": 0.0, "weight_decay": 0.0}
    return Recipe(**{**plain, "schedule": "linear", "optimizer": "sgd", "momentum": 0.0, **changes})


def trained(recipe, left_out):
    """(parameters, their EMA, gradient norm) before the first step and after each of 20, of which some have NaN."""
    generator = np.random.default_rng(0)
    state = create_state(
        Linear(),
        make_optimizer(recipe, STEPS),
        {"params": {"fc": {"kernel": jnp.asarray(generator.normal(size=(12, 3)), jnp.float32)}}},
        jax.random.key(0),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        recipe=recipe,
    )
    step, found = jax.jit(train_step), [(state.params["fc"]["kernel"], state.average, 0.0)]
    for number in range(1, STEPS + 1):
        images = generator.uniform(0, 255, (2, 2, 2, 3)).astype(np.float32)
        images = images + (np.float32(np.nan) if number in left_out else 0)
        state, metrics = step(state, {"image": jnp.asarray(images), "label": jnp.array([0, 2])})
        assert bool(metrics["finite"]) == (number not in left_out)
        found.append((state.params["fc"]["kernel"], state.average, float(metrics["gradient_norm"])))
    return found


def test_the_rate_that_is_used_is_the_rate_that_is_logged():
    recipe = linear_recipe()
    plan, found = TrainingPlan(recipe, 2 * STEPS), trained(recipe, LEFT_OUT)
    for number in range(1, STEPS + 1):
        moved = np.linalg.norm(np.asarray(found[number][0], np.float64) - found[number - 1][0])
        planned = 1 - (number - 1) / STEPS
        np.testing.assert_allclose(plan.at(number)["learning_rate"], planned, rtol=1e-6)
        used = 0 if number in LEFT_OUT else planned
        np.testing.assert_allclose(moved, used * np.nan_to_num(found[number][2]), rtol=1e-4)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_moving_average_reads_the_same_clock(accumulate):
    recipe = linear_recipe(ema=0.9, accumulate=accumulate)
    found = trained(recipe, LEFT_OUT)
    expected, before = np.asarray(found[0][0], np.float64), found[0][0]
    for number, (params, average, _) in enumerate(found[1:], start=1):
        if (np.asarray(params) != before).any():
            n = (number - 1) // accumulate
            decay = min(0.9, (1 + n) / (10 + n))
            expected, before = decay * expected + (1 - decay) * params, params
        np.testing.assert_allclose(average["params"]["fc"]["kernel"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_every_optimizer_uses_the_rate_of_the_clock(optimizer, accumulate):
    recipe = linear_recipe(optimizer=optimizer, accumulate=accumulate, epochs=accumulate)
    flat = linear_recipe(optimizer=optimizer, accumulate=accumulate, epochs=accumulate, schedule="constant")
    params = {"kernel": jnp.ones((4, 6))}
    ours, theirs = make_optimizer(recipe, STEPS), make_optimizer(flat, STEPS)
    our_state, their_state = ours.init(params), theirs.init(params)
    our_update, their_update = jax.jit(ours.update), jax.jit(theirs.update)
    generator, made = np.random.default_rng(0), 0
    for step in range(STEPS * accumulate):
        if step % 7 == 4:
            continue  # left out: the optimizer's state stays
        gradient = {"kernel": jnp.asarray(generator.normal(size=(4, 6)))}
        clock = count_updates(recipe, jnp.int32(step))
        update, our_state = our_update(gradient, our_state, params, clock=clock)
        direction, their_state = their_update(gradient, their_state, params)
        made += bool(np.any(direction["kernel"]))
        expected = (1 - step // accumulate / STEPS) * np.asarray(direction["kernel"])
        # Muon's products of matrices round differently in two programs, relative to the largest entry.
        np.testing.assert_allclose(update["kernel"], expected, rtol=1e-4, atol=1e-7 + 1e-5 * np.abs(expected).max())
    assert made > 10


@pytest.mark.parametrize(
    ("epochs", "steps", "warmup", "peak"), [(1, 22, 1, 7), (1, 3, 1, 1), (1, 2, 5, 0), (2, 30, 1, 20), (3, 22, 1, 22)]
)
def test_a_short_run_is_not_all_warmup(epochs, steps, warmup, peak):
    rate = learning_rate_schedule(Recipe(epochs=epochs, learning_rate=0.5, warmup_epochs=warmup), steps)
    rates = [float(rate(step)) for step in range(epochs * steps)]
    assert int(np.argmax(rates)) == peak and max(rates) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("epochs", "warmup", "said"), [(1, 1.0, True), (3, 1.0, False), (20, 0.5, False), (2, 0, False)]
)
def test_a_shorter_warmup_is_said(epochs, warmup, said):
    recipe, printed = Recipe(epochs=epochs, warmup_epochs=warmup, batch_size=2), Printed()
    print_short_warmup(recipe, TrainingPlan(recipe, 44), printed.console)
    assert ["warmup" in line and "0.318" in line for line in printed.lines] == [True] * said
