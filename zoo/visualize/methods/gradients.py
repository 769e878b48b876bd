"""Gradients of a class's logit: plain, averaged over noise, and integrated along a path."""

from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.runtime.limits import DEVIATION, ITERATIONS
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import Array, Classes, check_classes, class_logits, layer_shapes


def saliency(
    model: nn.Module,
    variables: Variables,
    images: Array,
    classes: Classes = None,
    *,
    rule: Rule = "gradient",
    batch_size: int = 32,
) -> np.ndarray:
    """The gradient of each image's class logit, signed: [batch, height, width, channel].

    Simonyan et al. 2013 (arXiv:1312.6034, section 3) show its largest magnitude over the channels. `classes` is one for
    all images, or one per image; by default the most probable. With the rule "guided" it is guided backpropagation.
    Raises ZooError for an unknown class or rule.
    """
    model_with_rule = with_rule(model, rule)
    class_indices = check_classes(layer_shapes(model, variables, images), classes, len(images))
    run = jit_cached(_gradient, model_with_rule)
    return in_batches(lambda *given: run(variables, *given)[0], batch_size, images, class_indices)


def smoothgrad(
    model: nn.Module,
    variables: Variables,
    images: Array,
    key: jax.Array,
    classes: Classes = None,
    *,
    samples: int = 50,
    noise: float = 0.15,
    rule: Rule = "gradient",
) -> np.ndarray:
    """The mean gradient over `samples` noisy copies of each image: Smilkov et al. 2017, arXiv:1706.03825.

    `noise` is the standard deviation as a fraction of the image's range (largest minus smallest value). The default
    class is the most probable of the image without noise. Otherwise as `saliency`.
    """
    ITERATIONS.check(samples, "samples")
    DEVIATION.check(noise, "noise")
    model_with_rule = with_rule(model, rule)
    class_indices = check_classes(layer_shapes(model, variables, images), classes, len(images))
    run, (variables, images) = jit_cached(_noisy_gradient, model_with_rule), jax.device_put((variables, images))
    _, _, class_indices = run(variables, images, class_indices, 0.0, key)
    total = sum(run(variables, images, class_indices, noise, one)[0] for one in jax.random.split(key, samples))
    return np.asarray(total / samples)


def integrated_gradients(
    model: nn.Module,
    variables: Variables,
    images: Array,
    classes: Classes = None,
    *,
    baseline: Array | float = 0.0,
    steps: int = 729,
    tolerance: float = 0.01,
) -> np.ndarray:
    """Each pixel's contribution to the class's logit: Sundararajan et al. 2017, arXiv:1703.01365.

    It is the mean gradient along the straight path from the baseline to the image, times image minus baseline: [batch,
    height, width, channel]. Its sum over an image is the logit minus the baseline's logit, up to the error of the sum
    over points: starting with 27 points, their number is tripled until that error is at most `tolerance` of the
    difference, or would exceed `steps`. `baseline` is a number, or an array like the images; 0 is the data set's mean
    colour. Raises ZooError for an unknown class or a baseline of another shape.
    """
    shape = np.shape(images)
    shapes = layer_shapes(model, variables, images)
    ITERATIONS.check(steps, "steps")
    if np.shape(baseline) not in ((), shape, shape[1:]):
        raise ZooError(f"the baseline has shape {np.shape(baseline)}: give a number or the shape {shape}")
    class_indices = check_classes(shapes, classes, len(images))
    run, (variables, images) = jit_cached(_gradient, model), jax.device_put((variables, images))
    _, logits, class_indices = run(variables, images, class_indices)
    baseline = jnp.broadcast_to(jnp.asarray(baseline, images.dtype), shape)
    difference, path = logits - run(variables, baseline, class_indices)[1], images - baseline

    def sum_of_gradients(fractions: list[float]) -> jax.Array:
        return sum(run(variables, baseline + fraction * path, class_indices)[0] for fraction in fractions)

    points = min(27, steps)
    total = sum_of_gradients(_midpoints(points))
    while True:
        contributions = total / points * path
        error = jnp.abs(contributions.sum(axis=(1, 2, 3)) - difference)
        if 3 * points > steps or (error <= tolerance * jnp.abs(difference)).all():
            return np.asarray(contributions)
        points *= 3
        # Every third midpoint, starting with the second, is one of the previous points.
        total += sum_of_gradients([point for i, point in enumerate(_midpoints(points)) if i % 3 != 1])


def _midpoints(parts: int) -> list[float]:
    return [(part + 0.5) / parts for part in range(parts)]


def _gradient(
    model: nn.Module, variables: Variables, images: jax.Array, classes: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The gradient of each image's class logit, the logit [batch], and the class [batch]."""

    def total_logit(images: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        logits, chosen = class_logits(cast(jax.Array, model.apply(variables, images)), classes)
        return logits.sum(), (logits, chosen)

    gradient, (logits, chosen) = jax.grad(total_logit, has_aux=True)(images)
    return gradient, logits, chosen


def _noisy_gradient(
    model: nn.Module, variables: Variables, images: jax.Array, classes: jax.Array, noise: float, key: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    extent = images.max(axis=(1, 2, 3), keepdims=True) - images.min(axis=(1, 2, 3), keepdims=True)
    noisy = images + noise * extent * jax.random.normal(key, images.shape, images.dtype)
    return _gradient(model, variables, noisy, classes)
