"""The records of networks for CIFAR-10: ten classes, images of 32x32 pixels."""

from collections.abc import Callable
from functools import partial

from zoo.models.network import ModelInfo, Network, Paper

# Of the training images of CIFAR-10, as pytorchcv and most training programs have them.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)


def cifar_record(
    name: str,
    build: Callable[..., Network],
    paper: Paper,
    *,
    parameters: int,
    macs: int,
    stages: tuple[str, ...],
    std: tuple[float, float, float] = STD,
    differs: str = "",
) -> ModelInfo:
    """The record of a network whose `build` makes it for images of any size and any number of classes."""
    return ModelInfo(
        name=name,
        build=partial(build, num_classes=10, image_shape=(32, 32, 3)),
        paper=paper,
        parameters=parameters,
        macs=macs,
        stages=stages,
        num_classes=10,
        input_size=32,
        mean=MEAN,
        std=std,
        crop=1.0,
        differs=differs,
    )
