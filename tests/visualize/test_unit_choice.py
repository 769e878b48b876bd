"""The choice of units: the most active ones, and those of them that differ."""

import numpy as np

from zoo.visualize.methods.unit_choice import diverse_units, most_active_units, units_at_distinct_positions


def test_diverse_units_are_dissimilar():
    """Against the same choice written plainly."""
    rng = np.random.default_rng(0)
    values = -np.sort(-rng.random((60, 5)), axis=1)
    labels = rng.integers(-1, 4, 40)
    images = np.stack([rng.choice(np.arange(unit % 4 * 10, 40), 5, replace=False) for unit in range(60)])
    images[10:20] = images[:10]

    def similar(one, other):
        same = len(set(images[one]) & set(images[other])) > 2.5
        classes = [[c for c in range(4) if sum(labels[i] == c for i in images[unit]) > 2.5] for unit in (one, other)]
        return same or bool(classes[0] and classes[0] == classes[1])

    left, expected = list(np.argsort(-values.mean(axis=1))), []
    for _ in range(9):
        expected.append(min(left, key=lambda unit: sum(similar(unit, chosen) for chosen in expected)))
        left.remove(expected[-1])
    assert diverse_units(values, images, labels, 9).tolist() == expected
    assert expected != np.argsort(-values.mean(axis=1))[:9].tolist()


def test_units_of_one_image_are_at_distinct_positions():
    maps = np.zeros((5, 6, 5))
    for unit, (row, column) in enumerate([(1, 1), (2, 2), (4, 4), (2, 0), (0, 5)]):
        maps[row, column, unit] = 9 - unit
    assert units_at_distinct_positions(maps, 9).tolist() == [0, 2, 4, 1, 3]
    assert units_at_distinct_positions(maps, 2).tolist() == [0, 2]


def test_units_of_images_without_classes_differ_in_their_images_alone():
    values = np.array([[3.0, 3.0], [2.0, 2.0], [1.0, 1.0], [0.0, 0.0]])
    images = np.array([[0, 1], [1, 0], [0, 2], [3, 4]])
    assert diverse_units(values, images, np.full(5, -1), 9).tolist() == [0, 2, 1]


def test_the_strongest_units_have_the_largest_means_and_are_active():
    values = np.array([[0.0, 0.0], [5.0, 1.0], [4.0, 3.0], [9.0, 9.0]])
    assert most_active_units(values, 2).tolist() == [3, 2]
    assert most_active_units(values, 9).tolist() == [3, 2, 1]
    assert most_active_units(np.zeros((2, 1)), 1).tolist() == [0]
