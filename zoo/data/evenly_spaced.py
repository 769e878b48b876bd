"""A part of a data set: folders list theirs class by class, so that its first images are of few classes."""


def evenly_spaced_indices(total: int, limit: float) -> list[int]:
    """At most `limit` of the indices 0 to total - 1, at equal distances: all, if these are not more."""
    count = int(min(total, limit))
    return [number * total // count for number in range(count)]
