"""The sizes of the parts: those for a GPU, and small ones with which a CPU shows that the program works."""

import os
from dataclasses import dataclass

# Set by benchmarks/gpu.py.
SMALL = "ZOO_GPU_BENCHMARK_SMALL"


@dataclass(frozen=True)
class Sizes:
    """Of a training step: its network, batch and image size, and the seconds of one round of measuring."""

    network: str
    batch_size: int
    image_size: int
    round_seconds: float
    rounds: int


def is_small() -> bool:
    """Whether small numbers are asked for."""
    return bool(os.environ.get(SMALL))


def sizes(network: str = "resnet50", small: str = "resnet20_cifar") -> Sizes:
    """Those of a network on a GPU; where small numbers are asked for, those of `small`."""
    if is_small():
        return Sizes(small, batch_size=8, image_size=32, round_seconds=0.05, rounds=2)
    return Sizes(network, batch_size=256, image_size=224, round_seconds=1.0, rounds=5)
