"""The setting of a recipe that scales images to lengths of their shorter side, and cuts the image size out of them."""

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.limits import MAX_IMAGE_SIZE
from zoo.runtime.number_range import NumberRange

# The value of the setting for no such crop.
NO_SIZES = "none"
SIDE = NumberRange(minimum=1, maximum=MAX_IMAGE_SIZE, whole=True)


def parse_crop_sizes(text: str) -> tuple[int, int] | None:
    """The first and the last length in pixels of "256-512" or "256"; None for "none". Raises ZooError for others."""
    if text == NO_SIZES:
        return None
    parts = text.split("-", 2)
    try:
        sides = [int(SIDE.parse(part)) for part in parts]
    except ZooError:
        sides = []
    if len(sides) not in (1, 2) or sides[0] > sides[-1]:
        raise ZooError(
            f"crop_sizes is {quoted(text)}: give pixels of the shorter side ({SIDE}), such as 256, or 256-512"
        )
    return sides[0], sides[-1]
