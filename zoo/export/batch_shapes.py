"""The shapes of batches that an exported network is converted for, and checked with: they differ in what is free."""

from zoo.export.options import ExportOptions

ImageShape = tuple[int, int, int]
BatchShape = tuple[int, int, int, int]

# Added to height and width, even and odd: strides round.
ADDED_SIDES = ((0, 0), (33, 46), (14, 27))


def example_shapes(options: ExportOptions, image_shape: ImageShape, step: int) -> tuple[BatchShape, ...]:
    """One shape where nothing is free, else three, the first of the network's own size.

    Free sizes are any with a step of 1, else they differ by multiples of the step.
    """
    height, width, channels = image_shape
    batches = (1, 2, 3) if options.batch is None else (options.batch,) * 3
    sides = ADDED_SIDES if step == 1 else ((0, 0), (step, 2 * step), (3 * step, step))
    shapes = [
        (batch, height + rows * options.any_size, width + columns * options.any_size, channels)
        for batch, (rows, columns) in zip(batches, sides, strict=True)
    ]
    return tuple(dict.fromkeys(shapes))


def checked_shapes(options: ExportOptions, image_shape: ImageShape, step: int) -> tuple[BatchShape, BatchShape]:
    """The shapes of two batches, the same where nothing is free."""
    first, *others = example_shapes(options, image_shape, step)
    return first, others[0] if others else first


def sizes_text(image_shape: ImageShape, step: int) -> str:
    """In words which image sizes an export for any size takes that has such a step."""
    return f"height and width may differ from {image_shape[0]}x{image_shape[1]} by multiples of {step}"
