"""Activations of several layers projected to the pixels by one program: compiling takes longer than running it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.report.learned.activity import followed
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.network_and_images import ProgressBar, TrainedNetwork

# All go through the whole network, so few at a time, for its memory.
BATCH = 9


@dataclass(frozen=True, eq=False)
class Group:
    """Activations of one layer that stand together: one of `units` [n] at one of `places` [n, 2] in each image.

    `images` are uint8 [n, height, width, channel], as the network sees them; `boxes` [n, 4] what the places see.
    """

    layer: str
    label: str
    images: np.ndarray
    units: np.ndarray
    places: np.ndarray
    boxes: np.ndarray
    of_one_image: bool = False


def projected(subject: TrainedNetwork, groups: Sequence[Group], rule: Rule, *, track: ProgressBar) -> list[np.ndarray]:
    """For each group [n, height, width, channel], signed: what `zoo.visualize.deconvnet` gives for its layer."""
    layers = list(dict.fromkeys(group.layer for group in groups))
    run = jit_cached(_brought_down, with_rule(subject.model, rule), tuple(layers), subject.weights.preprocessing)
    variables = jax.device_put(subject.variables)
    sizes = [len(group.images) for group in groups]
    images, units, places = (
        np.concatenate(part) for part in zip(*((g.images, g.units, g.places) for g in groups), strict=True)
    )
    chosen = np.repeat([layers.index(group.layer) for group in groups], sizes)
    # The last batch is filled up with the last pair.
    order = np.minimum(np.arange(-(-len(images) // BATCH) * BATCH), len(images) - 1).reshape(-1, BATCH)
    made = [
        jax.device_get(run(variables, images[some], chosen[some], units[some], places[some]))
        for some in track(order, total=len(order), description="projecting to the pixels")
    ]
    return np.split(np.concatenate(made)[: len(images)], np.cumsum(sizes)[:-1])


def _brought_down(
    model: nn.Module,
    layers: tuple[str, ...],
    preprocessing: Preprocessing,
    variables: Any,
    images: jax.Array,
    chosen: jax.Array,
    units: jax.Array,
    places: jax.Array,
) -> jax.Array:
    """Each image's signal is one at its layer and zero at all others, from which nothing comes down."""
    normalized = preprocessing.normalized(images)
    outputs, down = jax.vjp(lambda x: dict(followed(model, variables, x, layers).outputs), normalized)
    at = (jnp.arange(len(images)), places[:, 0], places[:, 1], units)
    # A place that lies beyond the maps of another layer is dropped.
    signals = {
        layer: jnp.zeros_like(outputs[layer]).at[at].set((chosen == index).astype(outputs[layer].dtype), mode="drop")
        for index, layer in enumerate(layers)
    }
    return down(signals)[0]
