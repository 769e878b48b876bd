"""The image shape that stands for a whole data set."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from zoo.data.errors import DataError
from zoo.data.evenly_spaced import evenly_spaced_indices

Shape = tuple[int, int, int]

# Images that are looked at: the time does not grow with the data set.
SAMPLE = 64
THREADS = 8


def typical_shape(shape_of: Callable[[int], Shape], count: int) -> Shape:
    """(height, width, channels) of `count` images, from a sample of at most 64 of them.

    Height and width are those of the image of median area. There are three channels where at least a tenth of the
    sample has colours, and two images at least. Images that cannot be read (`shape_of` raises DataError) do not count.
    Raises DataError if there are no images, or none that can be read.
    """
    if not count:
        raise DataError("the data set has no training images")

    def attempt(index: int) -> Shape | DataError:
        try:
            return shape_of(index)
        except DataError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(attempt, evenly_spaced_indices(count, SAMPLE)))
    shapes = [shape for shape in found if not isinstance(shape, DataError)]
    for error in found:
        if not shapes and isinstance(error, DataError):
            raise error
    height, width, _ = sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape))[len(shapes) // 2]
    coloured = sum(shape[2] == 3 for shape in shapes)
    needed = min(len(shapes), max(2, len(shapes) / 10))
    return height, width, 3 if coloured >= needed else 1
