"""Groups of projections for figures: their labels, and the boxes to which their tiles are cropped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zoo.visualize.network_and_images import ImageSet
from zoo.visualize.tiles import covers_image, empty_margin, shrink_boxes

# A group is a square of 3 by 3 tiles, and so are the groups of a layer, as in the paper's figure.
TILES_PER_GROUP = 9
UNITS_PER_SHEET = 9

# This fraction of a projection's values, the largest magnitudes, has the colours of the ends of the scale.
SATURATED_FRACTION = 0.01
# A crop keeps at least this fraction of a projection's energy (its sum of squares).
KEPT_ENERGY = 0.98
# A crop larger than this fraction of the image's shorter side saves too little space to be worth it.
MAX_CROP = 0.67


@dataclass(frozen=True, eq=False)
class ProjectionGroup:
    """Tiles that are shown together, with their label above.

    `pixels` [n, height, width, channel] are projections, signed; `images` the uint8 images of the same shape; `boxes`
    [n, 4] are (top, left, bottom, right) of the part that each tile shows, all of one size.
    """

    pixels: np.ndarray
    images: np.ndarray
    boxes: np.ndarray
    label: str


def unit_label(image_set: ImageSet, unit: int, strongest: float, labels: Sequence[int]) -> str:
    """The text above a unit's tiles: its strongest activation, and the most frequent class of its images."""
    if strongest <= 0:
        return f"unit {unit}, never active"
    label, count = Counter(labels).most_common(1)[0]
    frequent = f' · {count} of {len(labels)} are "{image_set.class_names[label]}"' if image_set.class_names else ""
    return f"unit {unit} · {strongest:.3g}{frequent}"


def trim_boxes(groups: Sequence[ProjectionGroup]) -> tuple[list[ProjectionGroup], str]:
    """The groups with boxes smaller by the margin that is empty in all projections, and a sentence for the caption."""
    (top, left, bottom, right), image_shape = groups[0].boxes[0], groups[0].images.shape[1:]
    rows, columns, whole_image = bottom - top, right - left, covers_image(groups[0].boxes[0], image_shape)
    not_empty = [group for group in groups if group.pixels.any()]
    margin = min((empty_margin(group.pixels, group.boxes, KEPT_ENERGY) for group in not_empty), default=0)
    crop = f"{rows - 2 * margin}x{columns - 2 * margin}"
    energy = f"with {KEPT_ENERGY:.0%} or more of each projection's energy."
    if whole_image and max(rows, columns) - 2 * margin > MAX_CROP * min(image_shape[:2]):
        # Half of a crop at the border would lie outside of the image.
        return list(groups), "An activation may depend on all of the image."
    trimmed = [replace(group, boxes=shrink_boxes(group.boxes, margin)) for group in groups]
    if whole_image:
        return trimmed, f"An activation may depend on all of the image; both are cropped to {crop} pixels, {energy}"
    if not margin:
        return trimmed, f"Both are cropped to the {crop} pixels that an activation sees."
    middle = f"the middle {crop} of the {rows}x{columns} pixels"
    return trimmed, f"Both are cropped to {middle} that an activation sees, {energy}"
