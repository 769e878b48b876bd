"""Two networks side by side: their totals, and their costs by the size of the maps."""

import math
from dataclasses import dataclass

from zoo.report.architecture.description import NetworkDescription


@dataclass(frozen=True)
class Total:
    """One quantity of both networks; `ratio` is the second over the first, "" if the first is 0."""

    label: str
    first: str
    second: str
    ratio: str


@dataclass(frozen=True)
class StageCost:
    """Parameters and multiply-adds of all blocks with maps of one size."""

    parameters: int
    macs: int


@dataclass(frozen=True)
class StageComparison:
    """A size of maps, and the costs there in both networks; None where a network has no such maps."""

    name: str
    costs: tuple[StageCost | None, StageCost | None]


@dataclass(frozen=True)
class NetworkComparison:
    """The totals, and the costs stage by stage."""

    totals: tuple[Total, ...]
    stages: tuple[StageComparison, ...]

    @property
    def max_parameters(self) -> int:
        """The most parameters of any stage; bars are drawn relative to it."""
        return max(cost.parameters for stage in self.stages for cost in stage.costs if cost)

    @property
    def max_macs(self) -> int:
        """The most multiply-adds of any stage."""
        return max(cost.macs for stage in self.stages for cost in stage.costs if cost)


# {label: attribute of the summary}.
SUMMARY_TOTALS = {
    "parameters": "parameters",
    "multiply-adds": "macs",
    "parameters without sharing": "parameters_without_sharing",
    "bytes of activations, one image": "activation_bytes",
    "batch statistics": "batch_stats",
}


def compare_networks(first: NetworkDescription, second: NetworkDescription) -> NetworkComparison:
    """The totals and stages of both; stages from the largest maps to the smallest."""
    totals = [
        _total(label, getattr(first.summary, name), getattr(second.summary, name))
        for label, name in SUMMARY_TOTALS.items()
    ]
    totals += [
        _total("depth: layers with weights on the longest path", first.depth.weighted, second.depth.weighted),
        _total("layers with weights", first.depth.all_weighted, second.depth.all_weighted),
        _total("blocks", len(first.blocks), len(second.blocks)),
    ]
    costs = _costs_by_size(first), _costs_by_size(second)
    sizes = sorted({size for one in costs for size in one}, reverse=True)
    names = {stage.size: stage.name for network in (second, first) for stage in network.stages}
    stages = tuple(StageComparison(names[size], (costs[0].get(size), costs[1].get(size))) for size in sizes)
    return NetworkComparison(tuple(totals), stages)


def _total(label: str, first: int, second: int) -> Total:
    return Total(label, f"{first:,}", f"{second:,}", format_ratio(second / first) if first else "")


def format_ratio(ratio: float) -> str:
    """At least three significant digits, and no exponent: 0.000446, 1.00, 2,242."""
    if ratio >= 100 or not ratio:
        return f"{ratio:,.0f}"
    # The decimal of the first significant digit: 2 for 0.0446.
    first = -math.floor(math.log10(ratio))
    return f"{ratio:.{first + 2}f}"


def _costs_by_size(network: NetworkDescription) -> dict[tuple[int, int], StageCost]:
    found: dict[tuple[int, int], StageCost] = {}
    for stage in network.stages:
        before = found.get(stage.size, StageCost(0, 0))
        found[stage.size] = StageCost(before.parameters + stage.parameters, before.macs + stage.macs)
    return found
