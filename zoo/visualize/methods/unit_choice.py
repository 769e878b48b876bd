"""Which units of a layer a sheet shows, where none are named."""

import numpy as np


def varied_units(values: np.ndarray, images: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Units for a sheet: each time the most active one of those that are like the fewest already chosen.

    `values` and `images` [units, k] are as in `TopActivations`, `labels` those of all images, -1 where unknown. Two
    units are alike where more than half of their images are the same, or more than half of both's are of one class.
    """
    order, half = strongest_units(values, len(values)), values.shape[1] / 2
    images = images[order]
    seen, places = np.unique(images, return_inverse=True)
    has = np.zeros((len(order), len(seen)), np.float32)
    np.put_along_axis(has, places.reshape(images.shape), 1, axis=1)
    mostly = ((labels[images][..., None] == np.arange(labels.max() + 1)).sum(axis=1) > half).astype(np.float32)
    alike = (has @ has.T > half) | (mostly @ mostly.T > 0)
    return _unlike(order, alike, count)


def places_apart(maps: np.ndarray, count: int) -> np.ndarray:
    """Units for a sheet of one image: each time the most active one of those beside the fewest already chosen.

    Of maps [rows, columns, units]; two units are beside each other where their strongest places touch, or are the same.
    """
    rows, columns, _ = maps.shape
    order = strongest_units(maps.max(axis=(0, 1))[:, None], maps.shape[-1])
    strongest = maps.reshape(rows * columns, -1).argmax(axis=0)[order]
    places = np.stack(np.unravel_index(strongest, (rows, columns)), axis=-1)
    return _unlike(order, (np.abs(places[:, None] - places) <= 1).all(axis=-1), count)


def _unlike(order: np.ndarray, alike: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of these units, each time the first of those that are `alike` [units, units] to the fewest."""
    likes, chosen = np.zeros(len(order)), []
    for _ in order[:count]:
        chosen.append(int(likes.argmin()))
        likes += alike[chosen[-1]]
        likes[chosen[-1]] = np.inf
    return order[chosen]


def strongest_units(values: np.ndarray, count: int) -> np.ndarray:
    """Of values [units, k] the units with the largest mean; none that is never active while others are."""
    means = values.mean(axis=1)
    order = np.argsort(-means, kind="stable")[:count]
    active = order[means[order] > 0]
    return active if len(active) else order
