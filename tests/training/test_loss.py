"""Binary cross-entropy, against its formula in float64; the softmax's is in test_step.py and test_class_weights.py."""

import jax.numpy as jnp
import numpy as np
import pytest

from zoo.training import Recipe
from zoo.training.loss import binary_cross_entropy, cross_entropy, image_losses

LOGITS = np.random.default_rng(0).normal(scale=3, size=(4, 5))
LABELS = np.array([0, 4, 2, 2])
SHARES = 0.7 * np.eye(5)[LABELS] + 0.3 * np.eye(5)[LABELS[::-1]]


def plain(goals, logits=LOGITS):
    """The mean over the classes of the binary cross-entropy."""
    p = 1 / (1 + np.exp(-logits))
    return -(goals * np.log(p) + (1 - goals) * np.log(1 - p)).mean(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_of_labels_and_of_mixed_images(smoothing):
    for targets, shares in ((LABELS, np.eye(5)[LABELS]), (SHARES, SHARES)):
        found = binary_cross_entropy(jnp.asarray(LOGITS), jnp.asarray(targets), smoothing)
        # timm: 1 - smoothing + smoothing / classes for the class, smoothing / classes for the others
        np.testing.assert_allclose(found, plain((1 - smoothing) * shares + smoothing / 5), rtol=1e-5)


def test_in_numbers():
    # log(1 + e^-2), log(1 + e^-1) and log 2 are 0.126928, 0.313262 and 0.693147
    found = binary_cross_entropy(jnp.array([[2.0, -1.0, 0.0]]), jnp.array([0]))
    np.testing.assert_allclose(found, [(0.126928 + 0.313262 + 0.693147) / 3], rtol=1e-5)


def test_above_the_threshold_both_classes_of_a_mixed_image_are_there():
    for threshold, goals in ((0.2, SHARES > 0), (0.5, SHARES > 0.5)):
        found = binary_cross_entropy(jnp.asarray(LOGITS), jnp.asarray(SHARES), 0.1, threshold=threshold)
        np.testing.assert_allclose(found, plain(goals.astype(float)), rtol=1e-5)


def test_class_weights_multiply_the_loss_of_an_image():
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    for targets, shares in ((LABELS, np.eye(5)[LABELS]), (SHARES, SHARES)):
        found = binary_cross_entropy(jnp.asarray(LOGITS), jnp.asarray(targets), 0.1, tuple(weights))
        np.testing.assert_allclose(found, plain(0.9 * shares + 0.02) * (shares @ weights), rtol=1e-5)


def test_large_logits_and_half_precision():
    found = binary_cross_entropy(jnp.array([[500.0, -500.0]], jnp.bfloat16), jnp.array([1]))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, [500.0])


def test_the_recipe_chooses_the_loss():
    logits, labels = jnp.asarray(LOGITS), jnp.asarray(LABELS)
    np.testing.assert_array_equal(image_losses(logits, labels, Recipe()), cross_entropy(logits, labels))
    np.testing.assert_array_equal(
        image_losses(logits, labels, Recipe(loss="bce", bce_threshold=0.3, label_smoothing=0.1)),
        binary_cross_entropy(logits, labels, 0.1, threshold=0.3),
    )
