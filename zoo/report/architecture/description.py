"""All that the page says of one network's architecture."""

import base64
from dataclasses import dataclass
from functools import cached_property

import flax.linen as nn

from zoo.models.network import ModelInfo
from zoo.report.architecture.blocks import Block, Stage, blocks, stages
from zoo.report.architecture.bottleneck import Bottleneck, bottlenecks
from zoo.report.architecture.diagram import Glyph, strip
from zoo.report.architecture.paper import Paper, paper
from zoo.report.layers.formulas import Step, worked
from zoo.report.layers.layers import Counted, Layer, counted


@dataclass(frozen=True)
class Described:
    """A counted network, divided and drawn; `info` is its record, None for a network of the reader's own."""

    network: Counted
    info: ModelInfo | None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.network.name

    @property
    def summary(self):
        """Its `zoo.count` summary."""
        return self.network.summary

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its parts."""
        return blocks(self.network)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Its parts by the size of their maps."""
        return stages(self.blocks)

    @cached_property
    def strip(self) -> tuple[tuple[Stage, tuple[Glyph, ...]], ...]:
        """The pictures, stage by stage."""
        return tuple((stage, strip(stage)) for stage in self.stages)

    @cached_property
    def paper(self) -> Paper | None:
        """What its paper prints."""
        return paper(self.info.name, self.network, self.blocks) if self.info else None

    @cached_property
    def bottlenecks(self) -> tuple[Bottleneck, ...]:
        """Its 1x1 convolutions before larger ones."""
        return bottlenecks(self.network)

    def worked(self, layer: Layer) -> tuple[Step, ...]:
        """A layer's formulas."""
        return worked(layer)

    @property
    def json_link(self) -> str:
        """`zoo.count`'s JSON as a data: link."""
        return _link("application/json", self.summary.to_json())

    @property
    def csv_link(self) -> str:
        """`zoo.count`'s CSV as a data: link."""
        return _link("text/csv", self.summary.to_csv() + "\n")


def described(
    name: str, model: nn.Module, image_shape: tuple[int, int, int], info: ModelInfo | None = None
) -> Described:
    """A network for images of one shape. Raises CountError where it cannot take them."""
    return Described(counted(name, model, image_shape), info)


def _link(media_type: str, text: str) -> str:
    return f"data:{media_type};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"
