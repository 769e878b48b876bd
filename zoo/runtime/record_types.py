"""Types of what several records hold, with their ranges and lengths."""

from typing import Annotated, Literal

from msgspec import Meta

from zoo.runtime.limits import CLASSES, MAX_COUNT, MAX_IMAGE_SIZE

MAX_CHANNELS = 1024
MAX_CLASSES = int(CLASSES.maximum)

Pixels = Annotated[int, Meta(ge=1, le=MAX_IMAGE_SIZE)]
Channels = Annotated[int, Meta(ge=1, le=MAX_CHANNELS)]
ImageShape = tuple[Pixels, Pixels, Channels]
# How an image gets the shape, and with which of PIL's filters.
Fit = Literal["resize", "pad", "squash"]
Interpolation = Literal["bilinear", "bicubic"]

# Of a network, a data set, weights, a computer.
Name = Annotated[str, Meta(max_length=1000)]
ClassName = Annotated[str, Meta(max_length=1000)]
ClassNames = Annotated[tuple[ClassName, ...], Meta(max_length=MAX_CLASSES)]

Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
# "" where it is not known.
Sha256 = Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z", description="a SHA-256 in hexadecimal digits")]
