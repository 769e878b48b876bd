"""All that the page shows of one network's architecture."""

import base64
from dataclasses import dataclass
from functools import cached_property

import flax.linen as nn

from zoo.counting.summary import Summary
from zoo.models.network import ModelInfo
from zoo.report.architecture.blocks import Block, Stage, divide_into_blocks, group_into_stages
from zoo.report.architecture.bottleneck import Bottleneck, find_bottlenecks
from zoo.report.architecture.diagram import BlockDrawing, draw_stage
from zoo.report.architecture.paper import PaperFigures, paper_figures
from zoo.report.layers.counted_network import CountedNetwork, Layer, count_network
from zoo.report.layers.depth import Depth, measure_depth
from zoo.report.layers.formulas import Formula, layer_formulas


@dataclass(frozen=True)
class NetworkDescription:
    """A counted network; `info` is its record in the registry, None for a user's module."""

    counted: CountedNetwork
    info: ModelInfo | None

    @property
    def name(self) -> str:
        """The name that the page shows."""
        return self.counted.name

    @property
    def summary(self) -> Summary:
        """Its `zoo.count` summary."""
        return self.counted.summary

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its blocks."""
        return divide_into_blocks(self.counted)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Its blocks in stages."""
        return group_into_stages(self.blocks)

    @cached_property
    def diagram(self) -> tuple[tuple[Stage, tuple[BlockDrawing, ...]], ...]:
        """Its stages with the drawings of their blocks."""
        return tuple((stage, draw_stage(stage)) for stage in self.stages)

    @cached_property
    def depth(self) -> Depth:
        """How deep it is, as papers count."""
        return measure_depth(self.counted)

    @cached_property
    def paper(self) -> PaperFigures | None:
        """The figures of its paper; None if there are none."""
        return paper_figures(self.info.name, self.counted, self.blocks) if self.info else None

    @cached_property
    def bottlenecks(self) -> tuple[Bottleneck, ...]:
        """Its 1x1 convolutions before larger ones."""
        return find_bottlenecks(self.counted)

    def formulas(self, layer: Layer) -> tuple[Formula, ...]:
        """The formulas of one of its layers."""
        return layer_formulas(layer)

    @property
    def json_uri(self) -> str:
        """`zoo.count`'s JSON as a data URI."""
        return _data_uri("application/json", self.summary.to_json())

    @property
    def csv_uri(self) -> str:
        """`zoo.count`'s CSV as a data URI."""
        return _data_uri("text/csv", self.summary.to_csv() + "\n")


def describe_network(
    name: str, model: nn.Module, image_shape: tuple[int, int, int], info: ModelInfo | None = None
) -> NetworkDescription:
    """A network counted for images of one shape. Raises CountError if it does not take them."""
    return NetworkDescription(count_network(name, model, image_shape), info)


def _data_uri(media_type: str, text: str) -> str:
    return f"data:{media_type};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"
