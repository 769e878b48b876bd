"""Which pixels a class depends on: gradients of its logit, plain, averaged over noise, and along a path."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import check_classes, class_logits, layer_shapes

Classes = int | Sequence[int] | None


def saliency(
    model: nn.Module,
    variables: Variables,
    images: jax.Array,
    classes: Classes = None,
    *,
    rule: Rule = "gradient",
    batch_size: int = 32,
) -> np.ndarray:
    """The gradient of each image's class logit, signed: [batch, height, width, channel].

    Simonyan et al. 2013 (arXiv:1312.6034, section 3) show its largest magnitude over the channels. `classes` is one for
    all images or one each, by default the most probable. With `rule` "guided" it is guided backpropagation.
    """
    ruled = with_rule(model, rule)
    classes = check_classes(layer_shapes(model, variables, images), classes, len(images))
    run = jit_cached(_gradient, ruled)
    return in_batches(lambda *given: run(variables, *given)[0], batch_size, images, classes)


def smoothgrad(
    model: nn.Module,
    variables: Variables,
    images: jax.Array,
    key: jax.Array,
    classes: Classes = None,
    *,
    samples: int = 50,
    noise: float = 0.15,
    rule: Rule = "gradient",
) -> np.ndarray:
    """The mean gradient of noisy copies of each image: Smilkov et al. 2017, arXiv:1706.03825.

    `noise` is the standard deviation as a share of the image's largest less its smallest value. As `saliency` else; the
    most probable class is that of the image without noise.
    """
    if samples < 1 or noise < 0:
        raise ZooError(f"samples is {samples} and noise {noise}: at least 1, and not negative")
    ruled = with_rule(model, rule)
    classes = check_classes(layer_shapes(model, variables, images), classes, len(images))
    run, (variables, images) = jit_cached(_noisy_gradient, ruled), jax.device_put((variables, images))
    _, _, classes = run(variables, images, classes, 0.0, key)
    total = sum(run(variables, images, classes, noise, one)[0] for one in jax.random.split(key, samples))
    return np.asarray(total / samples)


def integrated_gradients(
    model: nn.Module,
    variables: Variables,
    images: jax.Array,
    classes: Classes = None,
    *,
    baseline: jax.Array | float = 0.0,
    steps: int = 729,
    tolerance: float = 0.01,
) -> np.ndarray:
    """Each pixel's share of the logit, against that of a baseline: Sundararajan et al. 2017, arXiv:1703.01365.

    The gradient's mean along the straight path from the baseline, times the image less the baseline: [batch, height,
    width, channel]. Its sum over an image is the logit less the baseline's, up to what the points of the path miss:
    from 27 on there are three times as many until that is `tolerance` of the difference, or `steps` are not enough for
    more. The baseline is a number or an array like the images; 0 is the data set's mean colour.
    """
    shape = np.shape(images)
    shapes = layer_shapes(model, variables, images)
    if steps < 1:
        raise ZooError(f"steps is {steps}: it is 1 at least")
    if np.shape(baseline) not in ((), shape, shape[1:]):
        raise ZooError(f"the baseline has shape {np.shape(baseline)}: it is a number or like the images, {shape}")
    classes = check_classes(shapes, classes, len(images))
    run, (variables, images) = jit_cached(_gradient, model), jax.device_put((variables, images))
    _, there, classes = run(variables, images, classes)
    baseline = jnp.broadcast_to(jnp.asarray(baseline, images.dtype), shape)
    difference, along = there - run(variables, baseline, classes)[1], images - baseline

    def gradients(places: list[float]) -> jax.Array:
        return sum(run(variables, baseline + place * along, classes)[0] for place in places)

    points = min(27, steps)
    total = gradients(_midpoints(points))
    while True:
        shares = total / points * along
        missing = jnp.abs(shares.sum(axis=(1, 2, 3)) - difference)
        if 3 * points > steps or (missing <= tolerance * jnp.abs(difference)).all():
            return np.asarray(shares)
        points *= 3
        # Every third, from the second on, is there already.
        total += gradients([place for i, place in enumerate(_midpoints(points)) if i % 3 != 1])


def _midpoints(parts: int) -> list[float]:
    return [(part + 0.5) / parts for part in range(parts)]


def _gradient(
    model: nn.Module, variables: Variables, images: jax.Array, classes: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The gradient of the logit of each image's class, the logit, and the class."""

    def total(images: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        logits, chosen = class_logits(model.apply(variables, images), classes)
        return logits.sum(), (logits, chosen)

    gradient, (logits, chosen) = jax.grad(total, has_aux=True)(images)
    return gradient, logits, chosen


def _noisy_gradient(
    model: nn.Module, variables: Variables, images: jax.Array, classes: jax.Array, noise: float, key: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    extent = images.max(axis=(1, 2, 3), keepdims=True) - images.min(axis=(1, 2, 3), keepdims=True)
    noisy = images + noise * extent * jax.random.normal(key, images.shape, images.dtype)
    return _gradient(model, variables, noisy, classes)
