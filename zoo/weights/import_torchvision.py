"""Import torchvision beside the CPU build of torch."""

from functools import cache
from types import ModuleType
from typing import Any


def import_torchvision() -> ModuleType:
    """torchvision, whose wheel expects two operators of torch's CUDA build to be declared."""
    _declare_operators()
    import torchvision

    return torchvision


@cache
def _declare_operators() -> Any:
    """The library of the operators, in the cache because they exist only as long as it does."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
