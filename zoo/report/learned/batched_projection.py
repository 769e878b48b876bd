"""Activations of several layers projected to the pixels by one program, as compiling takes longer than running it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.report.learned.activations_by_name import apply_with_activations
from zoo.visualize.methods.backward_rules import Rule, with_rule
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.network_and_images import ProgressBar, TrainedNetwork

# Small, as the memory holds the activations of the whole network for each image.
BATCH_SIZE = 9


@dataclass(frozen=True, eq=False)
class ActivationGroup:
    """Activations of one layer that are shown together: per image one of `units` [n] at one of `positions` [n, 2].

    `images` are uint8 [n, height, width, channel], as the network gets them; `boxes` [n, 4] are the receptive fields.
    """

    layer: str
    label: str
    images: np.ndarray
    units: np.ndarray
    positions: np.ndarray
    boxes: np.ndarray
    of_one_image: bool = False


def project_groups(
    trained: TrainedNetwork, groups: Sequence[ActivationGroup], rule: Rule, *, progress_bar: ProgressBar
) -> list[np.ndarray]:
    """For each group [n, height, width, channel], signed: what `zoo.visualize.deconvnet` gives for its layer."""
    layers = list(dict.fromkeys(group.layer for group in groups))
    run = jit_cached(_project_batch, with_rule(trained.model, rule), tuple(layers), trained.weights.preprocessing)
    variables = jax.device_put(trained.variables)
    sizes = [len(group.images) for group in groups]
    images, units, positions = (
        np.concatenate(part) for part in zip(*((g.images, g.units, g.positions) for g in groups), strict=True)
    )
    layer_indices = np.repeat([layers.index(group.layer) for group in groups], sizes)
    # The last batch is filled up with the last activation.
    order = np.minimum(np.arange(-(-len(images) // BATCH_SIZE) * BATCH_SIZE), len(images) - 1).reshape(-1, BATCH_SIZE)
    batches = [
        jax.device_get(run(variables, images[some], layer_indices[some], units[some], positions[some]))
        for some in progress_bar(order, total=len(order), description="projecting to the pixels")
    ]
    return np.split(np.concatenate(batches)[: len(images)], np.cumsum(sizes)[:-1])


def _project_batch(
    model: nn.Module,
    layers: tuple[str, ...],
    preprocessing: Preprocessing,
    variables: Any,
    images: jax.Array,
    layer_indices: jax.Array,
    units: jax.Array,
    positions: jax.Array,
) -> jax.Array:
    """The projection of one activation per image; its signal is one there and zero in all other layers."""
    normalized = preprocessing.normalized(images)
    outputs, project = jax.vjp(lambda x: dict(apply_with_activations(model, variables, x, layers).outputs), normalized)
    at = (jnp.arange(len(images)), positions[:, 0], positions[:, 1], units)
    # A position outside of another layer's maps is dropped.
    signals = {
        layer: jnp.zeros_like(outputs[layer])
        .at[at]
        .set((layer_indices == index).astype(outputs[layer].dtype), mode="drop")
        for index, layer in enumerate(layers)
    }
    return project(signals)[0]
