"""Random crops of training images: which part of an image is taken, and whether it is flipped.

A crop is drawn from the run's seed and the image's place in the run, and from nothing else: a resumed run, and one of
another number of processes or workers, has the same crops.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zoo.runtime.record_types import Interpolation

MAX_ASPECT_RATIO = 4 / 3
# Boxes that are drawn per image. The first that fits is used, or else `central_box`.
MAX_TRIES = 10
# The second half of the generator's key, so that other uses of the seed have other numbers.
CROP_STREAM = 1


class Box(NamedTuple):
    """A part of an image, in pixels."""

    top: float
    left: float
    height: float
    width: float


@dataclass(frozen=True, kw_only=True)
class RandomCrops:
    """Random parts of images, scaled to `size` (height, width), and flipped with probability 0.5 if `flip`.

    With `smallest` a part has that share of the image's area to all of it, and an aspect ratio of 3/4 to 4/3, as
    torchvision's RandomResizedCrop (Szegedy et al. 2014, section 6). With `sides` the image is scaled until its shorter
    side has one of these lengths, first to last, drawn uniformly, and a part of `size` is cut out (Simonyan and
    Zisserman 2014, section 3.1; He et al. 2015, section 3.4).
    """

    size: tuple[int, int]
    seed: int
    smallest: float = 0.0
    sides: tuple[int, int] | None = None
    flip: bool = False
    interpolation: Interpolation = "bilinear"

    def at(self, place: int) -> "RandomCrop":
        """The crop of the image at a place: how many images come before it in the run."""
        bits = np.random.Philox(key=[self.seed, CROP_STREAM], counter=[0, place, 0, 0])
        flip, top, left, *tries = np.random.Generator(bits).random(3 + 2 * MAX_TRIES).tolist()
        return RandomCrop(self, self.flip and flip < 0.5, (top, left), tuple(zip(tries[::2], tries[1::2], strict=True)))


@dataclass(frozen=True)
class RandomCrop:
    """The crop of one image. `offset` and `tries` are random numbers, uniform in [0, 1)."""

    crops: RandomCrops
    flip: bool
    offset: tuple[float, float]
    tries: tuple[tuple[float, float], ...]

    @property
    def is_cut_first(self) -> bool:
        """Whether the part is cut out and then scaled; else the whole image is scaled first."""
        return self.crops.sides is None

    def box(self, height: int, width: int) -> Box:
        """The part of an image of this size that becomes `crops.size`."""
        return self._jittered(height, width) if self.crops.sides else self._resized(height, width)

    def _resized(self, height: int, width: int) -> Box:
        for share, ratio in self.tries:
            area = height * width * (self.crops.smallest + (1 - self.crops.smallest) * share)
            aspect = math.exp(math.log(MAX_ASPECT_RATIO) * (2 * ratio - 1))
            columns, rows = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < columns <= width and 0 < rows <= height:
                return Box(*self._place(height - rows, width - columns), rows, columns)
        return Box(*central_box(height, width))

    def _jittered(self, height: int, width: int) -> Box:
        assert self.crops.sides
        first, last = self.crops.sides
        side = first + math.floor(self.tries[0][0] * (last - first + 1))
        short = min(height, width)
        # The size of torchvision's Resize.
        scaled = height * side // short, width * side // short
        top, left = self._place(scaled[0] - self.crops.size[0], scaled[1] - self.crops.size[1])
        rows, columns = height / scaled[0], width / scaled[1]
        return Box(top * rows, left * columns, self.crops.size[0] * rows, self.crops.size[1] * columns)

    def _place(self, rows: int, columns: int) -> tuple[int, int]:
        """The top left corner, where there is room for so many more rows and columns."""
        return math.floor(self.offset[0] * (rows + 1)), math.floor(self.offset[1] * (columns + 1))


def central_box(height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of the largest central box with an aspect ratio of 3/4 to 4/3, as torchvision's."""
    box_height = min(height, round(width * MAX_ASPECT_RATIO))
    box_width = min(width, round(height * MAX_ASPECT_RATIO))
    return (height - box_height) // 2, (width - box_width) // 2, box_height, box_width
