"""The shapes of batches that an exported network is converted for, and checked with: they differ in what is free."""

from collections.abc import Iterator, Sequence

from zoo.export.options import ExportOptions

ImageShape = tuple[int, int, int]
BatchShape = tuple[int, int, int, int]

# Added to the shorter and the longer side: all remainders of the strides 2, 3 and 4, by which padding follows from the
# size, and always another size of the last maps, since an adaptive pool does nothing at its own. The longer side stays
# so also in the last maps, of a stride of 32, since JAX orders the products of a resize by that.
ADDED_SIDES = ((33, 78), (50, 97), (67, 119), (72, 132))
# Checks are with sizes that conversion has not seen, so that a rule that holds for those alone is found.
BATCHES, CHECKED_BATCHES = (1, 3, 4, 5), (1, 2)
CHECKED_SIDES = ((0, 0), (9, 40))


def example_shapes(options: ExportOptions, image_shape: ImageShape) -> tuple[BatchShape, ...]:
    """One shape where nothing is free, else several; of free image sizes none is the network's own."""
    return tuple(dict.fromkeys(_shapes(options, image_shape, BATCHES, ADDED_SIDES)))


def checked_shapes(options: ExportOptions, image_shape: ImageShape, step: int) -> tuple[BatchShape, BatchShape]:
    """The shapes of two batches, the same where nothing is free; else the second is none of `example_shapes`."""
    sides = CHECKED_SIDES if step == 1 else ((0, 0), (2 * step, step))
    first, second = _shapes(options, image_shape, CHECKED_BATCHES, sides)
    return first, second


def _shapes(
    options: ExportOptions, image_shape: ImageShape, batches: Sequence[int], added: Sequence[tuple[int, int]]
) -> Iterator[BatchShape]:
    height, width, channels = image_shape
    for batch, (shorter, longer) in zip(batches, added, strict=True):
        rows, columns = (longer, shorter) if height > width else (shorter, longer)
        number = batch if options.batch is None else options.batch
        yield number, height + rows * options.any_size, width + columns * options.any_size, channels


def sizes_text(image_shape: ImageShape, step: int) -> str:
    """In words which image sizes an export for any size takes that has such a step."""
    return f"height and width may differ from {image_shape[0]}x{image_shape[1]} by multiples of {step}"
