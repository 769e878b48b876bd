"""Dilation in place of strides, so that a network's last maps keep more positions: the algorithme à trous.

Chen et al., arXiv:1606.00915, section 3.1; Yu et al., arXiv:1705.09914, section 2. A convolution without its stride
computes all positions, and the convolutions after it look at every second of them, as they did with the stride.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from zoo.errors import ZooError
from zoo.geometry import Padding, Pair, Size, pair


class NotDilatable(ZooError):
    """A layer has no form without its stride."""


class Window(NamedTuple):
    """How a window moves over an image."""

    stride: Size
    padding: Padding
    dilation: Size


class StageDilation(NamedTuple):
    """The dilation of a stage's convolutions up to the first one with a stride, and of those after it."""

    before: int
    after: int


class DilatedStages:
    """Where a trace of a network is: the layers of a zoo's network ask it as they are called, in their order.

    `stages` are all stages in order, None for those that keep their strides.
    """

    def __init__(self, stages: Sequence[StageDilation | None]) -> None:
        self._stages, self._position, self._strided = stages, 0, False

    def next_stage(self) -> None:
        """The layers from here on are those of the next stage."""
        self._position, self._strided = self._position + 1, False

    def convolution(self, window: Pair, given: Window) -> Window:
        """The convolution in place of one with these settings."""
        stage = self._stage
        if stage is None:
            return given
        if pair(given.stride) != (1, 1):
            # Branches beside each other have a stride each, all with the dilation of the input of the stage.
            self._strided = True
            return Window(1, "SAME", _scaled(given.dilation, stage.before))
        factor = stage.after if self._strided else stage.before
        if window == (1, 1) or factor == 1:
            return given
        return Window(1, _scaled_padding(given.padding, factor), _scaled(given.dilation, factor))

    def keeps_stride(self, stride: Size) -> bool:
        """Whether an average pool of this stride is as it is; else it has stride 1, and zeros around the image."""
        if self._stage is None or pair(stride) == (1, 1):
            return True
        self._strided = True
        return False

    def check_max_pool(self) -> None:
        """Raises NotDilatable in a stage without strides."""
        if self._stage is not None:
            raise NotDilatable("a max pool has no dilation")

    def refuse(self, reason: str) -> None:
        """Raises NotDilatable where any stage is without strides."""
        if any(stage is not None for stage in self._stages):
            raise NotDilatable(reason)

    @property
    def _stage(self) -> StageDilation | None:
        return self._stages[self._position] if self._position < len(self._stages) else None


_current: ContextVar[DilatedStages | None] = ContextVar("dilated_stages", default=None)


@contextmanager
def dilated(stages: DilatedStages | None) -> Iterator[None]:
    """Within this context the layers that are called are those of `stages`; with None they are as they say."""
    token = _current.set(stages)
    try:
        yield
    finally:
        _current.reset(token)


def dilated_stages() -> DilatedStages | None:
    """Those of the context."""
    return _current.get()


def keeps_stride(stride: Size) -> bool:
    """Whether an average pool of this stride, or what has its place, is as it is."""
    stages = dilated_stages()
    return stages is None or stages.keeps_stride(stride)


def _scaled(dilation: Size, factor: int) -> Pair:
    height, width = pair(dilation)
    return height * factor, width * factor


def _scaled_padding(padding: Padding, factor: int) -> Padding:
    """So that a window that is larger by the dilation gives as many positions."""
    if isinstance(padding, str):
        return padding
    if isinstance(padding, tuple | list):
        return tuple(_scaled_padding(axis, factor) for axis in padding)  # type: ignore[return-value]
    return padding * factor
