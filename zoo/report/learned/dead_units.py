"""Dead units: those of each layer that no image excites."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.learned.activity import Activity

# More runs of units than that are counted and not named.
NAMED = 60
WORST = 5
# Of fewer images it says little that none excites a unit.
MANY = 1000


@dataclass(frozen=True)
class Silent:
    """The units of a layer: how many, which are dead, and on which share of the images its median unit is active."""

    name: str
    units: int
    dead: int
    named: str
    median: float

    @property
    def share(self) -> float:
        """Of its units, those that are dead."""
        return self.dead / self.units


@dataclass(frozen=True)
class Silence:
    """All layers in their order, over so many images."""

    images: int
    layers: tuple[Silent, ...]

    @property
    def many(self) -> bool:
        """Whether the images are enough to call a unit dead."""
        return self.images >= MANY

    @property
    def units(self) -> int:
        """Of all layers."""
        return sum(layer.units for layer in self.layers)

    @property
    def dead(self) -> int:
        """Of all layers."""
        return sum(layer.dead for layer in self.layers)

    @property
    def affected(self) -> list[Silent]:
        """The layers with dead units."""
        return [layer for layer in self.layers if layer.dead]

    @property
    def worst(self) -> list[Silent]:
        """A few layers of the largest share, that first; of equals the earlier."""
        return sorted(self.affected, key=lambda layer: -layer.share)[:WORST]


def silence(activities: Sequence[Activity], images: int) -> Silence:
    """From what was seen of each activation over so many images; no layers where no activation can be silent."""
    layers = tuple(
        Silent(one.layer, one.units, len(one.dead), in_words(one.dead), float(np.median(one.active)) / images)
        for one in activities
    )
    return Silence(images, layers)


def in_words(units: Sequence[int], most: int = NAMED) -> str:
    """Ascending units, "3, 7-9, 12"; at most so many runs, and how many more."""
    runs: list[list[int]] = []
    for unit in units:
        if runs and runs[-1][-1] == unit - 1:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    said = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:most]]
    left = sum(map(len, runs[most:]))
    return ", ".join(said) + (f" and {left} more" if left else "")
