"""A network of each family, and a step of training: the logits and the losses of the device are those of the CPU."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from quick import QUICK_TO_COMPUTE, drawn, small_size_of
from two_devices import assert_near, on_both

import zoo
from zoo.training import Recipe, create_state, train_step

IMAGES = 4
STEPS = 3


def images_of(name):
    info, size = zoo.model_info(name), small_size_of(name)
    return np.random.default_rng(0).normal(size=(IMAGES, size, size, info.channels)).astype(np.float32)


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "mobilenet_v2"])
def test_losses_of_steps(accelerator, name):
    """Of the whole step, dropout included: its random numbers are the same on every platform."""
    model, size = zoo.create_model(name, num_classes=10), small_size_of(name)
    rng = np.random.default_rng(0)
    batch = {
        "image": rng.integers(0, 256, (IMAGES, size, size, 3), np.uint8),
        "label": rng.integers(0, 10, IMAGES).astype(np.int32),
    }

    @jax.jit
    def initial_state(variables):
        key, values = jax.random.key(0), {"mean": (0.4,) * 3, "std": (0.3,) * 3}
        return create_state(model, optax.sgd(0.001, momentum=0.9), variables, key, recipe=Recipe(), **values)

    def losses(variables, batch):
        state, step, found = initial_state(variables), jax.jit(train_step), []
        for _ in range(STEPS):
            state, metrics = step(state, batch)
            found.append(metrics["loss"])
        return found

    found, expected = on_both(accelerator, losses, drawn(model, (size, size, 3)), batch)
    assert_near(found, expected, 1e-2)
    assert expected[0] != expected[1]


@pytest.mark.parametrize("name", sorted(QUICK_TO_COMPUTE))
def test_logits(accelerator, name):
    model, images = zoo.create_model(name), images_of(name)
    found, expected = on_both(accelerator, jax.jit(model.apply), drawn(model, images.shape[1:]), images)
    # Relative to what distinguishes the images, which is less than the logits themselves.
    assert_near(found - expected.mean(0), expected - expected.mean(0), 1e-3)


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_bfloat16_loses_no_more_than_on_a_cpu(accelerator, name):
    images = images_of(name)
    model, half = zoo.create_model(name), zoo.create_model(name, dtype=jnp.bfloat16)
    variables = drawn(model, images.shape[1:])
    found, rounded = on_both(accelerator, jax.jit(half.apply), variables, images)
    _, exact = on_both(accelerator, jax.jit(model.apply), variables, images)
    lost, expected_loss = (np.sqrt(((logits - exact) ** 2).mean()) for logits in (found, rounded))
    assert lost <= 2 * expected_loss
