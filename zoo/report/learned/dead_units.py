"""Dead units: the units of each layer that are active on no image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.learned.activation_survey import UnitActivity

# At most this many ranges of units are listed; the rest is counted.
MAX_RANGES = 60
WORST_LAYERS = 5
# With fewer images other images may well activate the units.
MIN_IMAGES = 1000


@dataclass(frozen=True)
class LayerUnits:
    """A layer's number of units, its dead units, and the fraction of images on which its median unit is active."""

    name: str
    units: int
    dead: int
    dead_ranges: str
    median: float

    @property
    def dead_fraction(self) -> float:
        """The fraction of its units that are dead."""
        return self.dead / self.units


@dataclass(frozen=True)
class DeadUnits:
    """The units of all layers with an activation that can be off, in their order, on a number of images."""

    images: int
    layers: tuple[LayerUnits, ...]

    @property
    def enough_images(self) -> bool:
        """Whether there are enough images to call a unit dead."""
        return self.images >= MIN_IMAGES

    @property
    def units(self) -> int:
        """The number of units of all layers."""
        return sum(layer.units for layer in self.layers)

    @property
    def dead(self) -> int:
        """The number of dead units of all layers."""
        return sum(layer.dead for layer in self.layers)

    @property
    def affected(self) -> list[LayerUnits]:
        """The layers with dead units."""
        return [layer for layer in self.layers if layer.dead]

    @property
    def worst(self) -> list[LayerUnits]:
        """Up to five layers with the largest fractions of dead units, the largest first."""
        return sorted(self.affected, key=lambda layer: -layer.dead_fraction)[:WORST_LAYERS]


def find_dead_units(activities: Sequence[UnitActivity], images: int) -> DeadUnits:
    """The dead units of all activations over a number of images."""
    layers = tuple(
        LayerUnits(
            name=one.layer,
            units=one.units,
            dead=len(one.dead),
            dead_ranges=format_ranges(one.dead),
            median=float(np.median(one.active)) / images,
        )
        for one in activities
    )
    return DeadUnits(images, layers)


def format_ranges(units: Sequence[int], max_ranges: int = MAX_RANGES) -> str:
    """Ascending unit numbers as "3, 7-9, 12"; of more ranges than `max_ranges` how many units are left."""
    ranges: list[list[int]] = []
    for unit in units:
        if ranges and ranges[-1][-1] == unit - 1:
            ranges[-1].append(unit)
        else:
            ranges.append([unit])
    listed = [str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in ranges[:max_ranges]]
    left = sum(map(len, ranges[max_ranges:]))
    return ", ".join(listed) + (f" and {left} more" if left else "")
