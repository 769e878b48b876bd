"""The loss of each image of a batch."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax
from jax import lax

from zoo.training.config.recipe import Recipe


def image_losses(
    logits: jax.Array, targets: jax.Array, recipe: Recipe, class_weights: Sequence[float] = ()
) -> jax.Array:
    """[batch]: the recipe's loss of logits [batch, classes]; `targets` are labels int [batch], or probabilities."""
    if recipe.loss == "bce":
        threshold = recipe.bce_threshold
        return binary_cross_entropy(logits, targets, recipe.label_smoothing, class_weights, threshold=threshold)
    return cross_entropy(logits, targets, recipe.label_smoothing, class_weights)


def cross_entropy(
    logits: jax.Array, targets: jax.Array, label_smoothing: float = 0.0, class_weights: Sequence[float] = ()
) -> jax.Array:
    """[batch]: softmax cross-entropy; `targets` are labels int [batch] or probabilities float [batch, classes].

    Computed in float32 or wider. With `class_weights` the loss of an image is multiplied by the weight of its class; a
    mixed image has the losses of its classes, each with the class's weight, in their shares. It is not divided by the
    sum of a batch's weights, as torch's is, so that the same image counts the same in every batch and on every device.
    """
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    weights = jnp.asarray(class_weights, logits.dtype) if len(class_weights) else None
    if targets.ndim == 1:
        if not label_smoothing:
            shifted = logits - lax.stop_gradient(logits.max(-1, keepdims=True))
            losses = jnp.log(jnp.exp(shifted).sum(-1)) - at_labels(shifted, targets)
            return losses if weights is None else losses * at_labels(weights, targets)
        targets = jax.nn.one_hot(targets, logits.shape[-1])
    if weights is None:
        return optax.softmax_cross_entropy(logits, optax.smooth_labels(targets, label_smoothing))
    # What smoothing spreads over all classes has the weight of the class that it is from.
    targets = targets * weights
    spread = targets.mean(-1, keepdims=True)
    return optax.softmax_cross_entropy(logits, (1 - label_smoothing) * targets + label_smoothing * spread)


def at_labels(values: jax.Array, labels: jax.Array) -> jax.Array:
    """[batch]: the value of each label, from [batch, classes], or [classes] for all images; 0 for no class.

    Compared and not indexed: the gradient of an index is a scatter, which on a GPU or TPU is an operation of its own.
    """
    return jnp.where(labels[:, None] == jnp.arange(values.shape[-1]), values, 0).sum(-1)


def binary_cross_entropy(
    logits: jax.Array,
    targets: jax.Array,
    label_smoothing: float = 0.0,
    class_weights: Sequence[float] = (),
    *,
    threshold: float = 0.0,
) -> jax.Array:
    """[batch]: the mean over the classes of the binary cross-entropy of each, in float32 or wider.

    `targets` are labels int [batch] or probabilities float [batch, classes]. With a `threshold` those above it are 1
    and the others 0, so that a mixed image has both of its classes, as in timm's `BinaryCrossEntropy`, for Wightman et
    al. 2021 (arXiv:2110.00476). With `class_weights` the loss of an image is multiplied by the weight of its class, of
    a mixed image by the mean weight of its classes in their shares.
    """
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    shares = jax.nn.one_hot(targets, logits.shape[-1], dtype=logits.dtype) if targets.ndim == 1 else targets
    goals = optax.smooth_labels(shares, label_smoothing)
    if threshold:
        goals = (goals > threshold).astype(logits.dtype)
    losses = optax.sigmoid_binary_cross_entropy(logits, goals).mean(-1)
    return losses * (shares * jnp.asarray(class_weights, logits.dtype)).sum(-1) if len(class_weights) else losses
