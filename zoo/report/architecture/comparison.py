"""Two networks side by side: their totals, and where their costs lie."""

import math
from dataclasses import dataclass

from zoo.report.architecture.description import Described


@dataclass(frozen=True)
class Total:
    """One figure of both; `ratio` is the second over the first."""

    what: str
    first: str
    second: str
    ratio: str


@dataclass(frozen=True)
class Cost:
    """What all blocks with maps of one size cost."""

    parameters: int
    macs: int


@dataclass(frozen=True)
class StagePair:
    """A size of maps, and the costs there in both networks; None where one has no such maps."""

    name: str
    costs: tuple[Cost | None, Cost | None]


@dataclass(frozen=True)
class Comparison:
    """Totals and stages; the most that any stage costs is what bars are drawn to."""

    totals: tuple[Total, ...]
    stages: tuple[StagePair, ...]

    @property
    def most_parameters(self) -> int:
        """Of any stage of either."""
        return max(cost.parameters for stage in self.stages for cost in stage.costs if cost)

    @property
    def most_macs(self) -> int:
        """Of any stage of either."""
        return max(cost.macs for stage in self.stages for cost in stage.costs if cost)


TOTALS = {
    "parameters": "parameters",
    "multiply-adds": "macs",
    "parameters without sharing": "parameters_without_sharing",
    "bytes of activations, one image": "activation_bytes",
    "batch statistics": "batch_stats",
}


def comparison(first: Described, second: Described) -> Comparison:
    """The second network beside the first."""
    totals = [
        _total(what, getattr(first.summary, name), getattr(second.summary, name)) for what, name in TOTALS.items()
    ]
    totals += [
        _total("layers", len(first.network.layers), len(second.network.layers)),
        _total("blocks", len(first.blocks), len(second.blocks)),
    ]
    costs = _costs(first), _costs(second)
    sizes = sorted({size for one in costs for size in one}, reverse=True)
    names = {stage.size: stage.name for network in (second, first) for stage in network.stages}
    stages = tuple(StagePair(names[size], (costs[0].get(size), costs[1].get(size))) for size in sizes)
    return Comparison(tuple(totals), stages)


def _total(what: str, first: int, second: int) -> Total:
    return Total(what, f"{first:,}", f"{second:,}", in_digits(second / first) if first else "")


def in_digits(ratio: float) -> str:
    """Three digits of it at least, and no exponent: 0.000446, 1.00, 2,242."""
    if ratio >= 100 or not ratio:
        return f"{ratio:,.0f}"
    # The first digit that counts: of 0.0446 the second decimal.
    first = -math.floor(math.log10(ratio))
    return f"{ratio:.{first + 2}f}"


def _costs(network: Described) -> dict[tuple[int, int], Cost]:
    found: dict[tuple[int, int], Cost] = {}
    for stage in network.stages:
        before = found.get(stage.size, Cost(0, 0))
        found[stage.size] = Cost(before.parameters + stage.parameters, before.macs + stage.macs)
    return found
