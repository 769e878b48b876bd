"""Types of networks' fields with their ranges. A weights file of somebody else may set such fields, and no others.

The ranges are wide, and yet no network within them takes long to trace.
"""

from typing import Annotated

from msgspec import Meta

from zoo.runtime.record_types import MAX_CLASSES

ClassCount = Annotated[int, Meta(ge=0, le=MAX_CLASSES)]
Width = Annotated[int, Meta(ge=1, le=2**14)]  # channels
Groups = Annotated[int, Meta(ge=1, le=256)]  # of a convolution
Branches = Annotated[int, Meta(ge=1, le=64)]  # parallel convolutions
Ratio = Annotated[int, Meta(ge=1, le=256)]  # of the channels of a layer to those of a narrower one
Widths = Annotated[tuple[Width, ...], Meta(min_length=1, max_length=8)]
WidthFactor = Annotated[float, Meta(gt=0, le=16)]
Depth = Annotated[int, Meta(ge=1, le=64)]  # blocks or layers, one after another
Depths = Annotated[tuple[Depth, ...], Meta(min_length=1, max_length=5)]  # blocks per stage
TreeDepths = Annotated[tuple[Annotated[int, Meta(ge=1, le=6)], ...], Meta(min_length=1, max_length=5)]  # 2 ** n blocks
Window = Annotated[int, Meta(ge=1, le=64)]  # of a convolution or a pool, in pixels, or its stride
Strides = Annotated[tuple[Window, ...], Meta(min_length=1, max_length=8)]
Padding = Annotated[int, Meta(ge=0, le=64)]
Convs = Annotated[tuple[tuple[Width, Window, Window, Padding, Groups], ...], Meta(min_length=1, max_length=32)]
Positions = Annotated[tuple[Annotated[int, Meta(ge=0, le=128)], ...], Meta(max_length=128)]
LayerNames = Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=128)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Fraction = Annotated[float, Meta(gt=0, le=1)]
Momentum = Annotated[float, Meta(ge=0, le=1)]
Epsilon = Annotated[float, Meta(gt=0, le=1)]
Scale = Annotated[float, Meta(ge=0, le=16)]
