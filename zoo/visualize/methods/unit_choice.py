"""Which units of a layer are shown, where the user names none."""

import numpy as np


def diverse_units(values: np.ndarray, images: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """At most `count` units that differ: int [count].

    Each is the most active of the units that are similar to the fewest units already chosen. Two units are similar if
    they have more than half of their images in common, or if more than half of the images of both are of one class.
    `values` and `images` [units, k] are as in `TopActivations`; `labels` are those of all images, -1 if unknown.
    """
    order, half = most_active_units(values, len(values)), values.shape[1] / 2
    images = images[order]
    used, indices = np.unique(images, return_inverse=True)
    has_image = np.zeros((len(order), len(used)), np.float32)
    np.put_along_axis(has_image, indices.reshape(images.shape), 1, axis=1)
    per_class = (labels[images][..., None] == np.arange(labels.max() + 1)).sum(axis=1)
    has_class = (per_class > half).astype(np.float32)
    similar = (has_image @ has_image.T > half) | (has_class @ has_class.T > 0)
    return _choose_dissimilar(order, similar, count)


def units_at_distinct_positions(maps: np.ndarray, count: int) -> np.ndarray:
    """At most `count` units whose maps have their maxima apart, for one image: int [count].

    Each is the most active of the units that are next to the fewest units already chosen. Two units are next to each
    other if the positions of their maxima touch or are the same. `maps` are [rows, columns, units].
    """
    rows, columns, _ = maps.shape
    order = most_active_units(maps.max(axis=(0, 1))[:, None], maps.shape[-1])
    strongest = maps.reshape(rows * columns, -1).argmax(axis=0)[order]
    positions = np.stack(np.unravel_index(strongest, (rows, columns)), axis=-1)
    adjacent = (np.abs(positions[:, None] - positions) <= 1).all(axis=-1)
    return _choose_dissimilar(order, adjacent, count)


def _choose_dissimilar(order: np.ndarray, similar: np.ndarray, count: int) -> np.ndarray:
    """At most `count` units of `order`, each the first that is `similar` [units, units] to the fewest before it."""
    similar_chosen, chosen = np.zeros(len(order)), []
    for _ in order[:count]:
        chosen.append(int(similar_chosen.argmin()))
        similar_chosen += similar[chosen[-1]]
        similar_chosen[chosen[-1]] = np.inf
    return order[chosen]


def most_active_units(values: np.ndarray, count: int) -> np.ndarray:
    """At most `count` units with the largest mean of `values` [units, k], the largest first.

    Units that are never active are left out, unless none is active.
    """
    means = values.mean(axis=1)
    order = np.argsort(-means, kind="stable")[:count]
    active = order[means[order] > 0]
    return active if len(active) else order
