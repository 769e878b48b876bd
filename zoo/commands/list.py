"""List the networks: parameters, multiply-adds, input size, year, accuracy and paper.

zoo list
zoo list "vgg*"
zoo list --below 10M --accuracy-above 75 --sort accuracy
zoo list --input 32-64 --json

The accuracy is the best that a publisher states for weights of the network: top-1 in percent, on ImageNet's validation
images, "at 384" where these are not of the network's own size; `zoo weights NAME` lists them all. --json prints one
list with an object per network, empty where the filters leave none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.commands.arguments.types import InRange, Interval, IntervalOf, Quantity
from zoo.runtime.limits import PERCENT, PIXELS_OF_SIDE, YEAR

if TYPE_CHECKING:
    from zoo.models.network import ModelInfo
    from zoo.weights.published import PublishedWeights

HELP = "list the networks"
TEXTS = ("name", "title", "url", "differs", "source")
NUMBERS = ("year", "parameters", "macs", "input_size", "channels", "num_classes")
OF_WEIGHTS = ("tag", "top1", "top5", "licence")
SORTED_BY = ("name", "parameters", "macs", "input", "year", "accuracy")


@dataclass(frozen=True)
class ListedNetwork:
    """A network with its published weights, the default first."""

    info: ModelInfo
    weights: tuple[PublishedWeights, ...]

    @property
    def best(self) -> PublishedWeights | None:
        """The weights with the best top-1 accuracy; None where none is known."""
        known = [one for one in self.weights if one.top1 is not None]
        return max(known, key=lambda one: one.top1 or 0, default=None)

    @property
    def top1(self) -> float | None:
        """The top-1 accuracy of the best weights in percent."""
        return self.best.top1 if self.best else None

    def number(self, name: str) -> int | None:
        """A number of the record; None where it is not known, as of a network of another package."""
        return getattr(self.info, name) or None

    def sort_value(self, column: str) -> float | None:
        """The number by which the network is sorted, for one of `SORTED_BY` other than its name."""
        if column == "accuracy":
            return self.top1
        return self.number("input_size" if column == "input" else column)

    def json_object(self) -> dict[str, Any]:
        """The network as an object of --json."""
        texts = {name: getattr(self.info, name) for name in TEXTS}
        numbers = {name: self.number(name) for name in NUMBERS}
        weights = [_json_object(one) for one in self.weights]
        return {**texts, **numbers, "top1": self.top1, "weights": weights}

    def cells(self) -> list[str]:
        """The network as a row of the table."""
        info, year = self.info, self.number("year")
        return [
            info.name,
            *("-" if count is None else f"{count:,}" for count in map(self.number, ("parameters", "macs"))),
            f"{info.input_size}x{info.input_size}x{info.channels}",
            "-" if year is None else str(year),
            self._accuracy(),
            info.title or info.source,
        ]

    def _accuracy(self) -> str:
        """The best accuracy, with the image size that it was measured at, where that is not the network's own."""
        if self.best is None:
            return "-"
        size = _image_size(self.best)
        return f"{self.top1:.2f}" + ("" if size == self.info.input_size else f" at {size}")


def _json_object(weights: PublishedWeights) -> dict[str, Any]:
    return {**{name: getattr(weights, name) for name in OF_WEIGHTS}, "input_size": _image_size(weights)}


def _image_size(weights: PublishedWeights) -> int:
    return weights.preprocessing.image_shape[0]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `list`."""
    parser.add_argument("pattern", nargs="?", default="*", metavar="PATTERN", help='the names to show, such as "vgg*"')
    filters = parser.add_argument_group("filters", "show only the networks that meet all of them")
    filters.add_argument("--below", type=Quantity(), metavar="COUNT", help="fewer parameters, such as 500k or 10M")
    filters.add_argument("--macs-below", type=Quantity(), metavar="COUNT", help="fewer multiply-adds, such as 1.5G")
    filters.add_argument(
        "--accuracy-above",
        type=InRange(PERCENT),
        metavar="X",
        help="published weights with a top-1 accuracy above X percent",
    )
    filters.add_argument(
        "--input", type=IntervalOf(PIXELS_OF_SIDE), metavar="SIZE", help="the input size: 224, or one of 32-64"
    )
    filters.add_argument(
        "--year", type=IntervalOf(YEAR), metavar="YEAR", help="the paper's year: 2016, 2015-2017 or 2018-"
    )
    filters.add_argument("--pretrained", action="store_true", help="with published weights")
    parser.add_argument("--sort", choices=SORTED_BY, default="name", help="the column to sort by (default: name)")
    parser.add_argument("--reverse", action="store_true", help="sort from the largest to the smallest")
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def run(args: argparse.Namespace) -> None:
    """Print one line per network, or a JSON list."""
    import json

    from zoo.errors import ZooError
    from zoo.registry import hidden_networks, list_models
    from zoo.runtime.console import print_note
    from zoo.runtime.text_tables import print_table

    names = list_models(args.pattern)
    if not names:
        raise ZooError(f"no network is named {args.pattern!r}{_suggested_names(args.pattern)}")
    networks = [network for network in _listed(names) if _is_wanted(network, args)]
    for line in hidden_networks(names):
        print_note(line)
    if args.json:
        print(json.dumps([network.json_object() for network in _sorted(networks, args.sort, args.reverse)], indent=2))
        return
    if not networks:
        raise ZooError("no network is left by these filters: widen one of them, or leave it out")
    titles = ["name", "parameters", "MACs", "input", "year", "top 1", "paper"]
    left = [True, False, False, False, False, True, True]
    print_table(titles, [network.cells() for network in _sorted(networks, args.sort, args.reverse)], left)


def _listed(names: Sequence[str]) -> Iterator[ListedNetwork]:
    """The networks; one of an installed package that cannot be imported is a line on standard error."""
    from zoo.errors import ZooError
    from zoo.registry import model_info
    from zoo.runtime.console import print_note
    from zoo.weights.published import published_weights

    for name in names:
        try:
            yield ListedNetwork(model_info(name), published_weights(name))
        except ZooError as error:
            if len(names) == 1:
                raise
            print_note(f"left out: {error}")


def _suggested_names(pattern: str) -> str:
    from zoo.errors import suggestion
    from zoo.registry import list_models

    part = pattern.strip("*")
    if list_models(f"*{part.lower()}*"):
        return f'; did you mean "*{part.lower()}*"?'
    return suggestion(part, list_models())


def _is_wanted(network: ListedNetwork, args: argparse.Namespace) -> bool:
    """Whether the network meets all filters; what is not known meets none."""
    info, inputs, years = network.info, args.input or Interval(), args.year or Interval()
    return (
        (args.below is None or 0 < info.parameters < args.below)
        and (args.macs_below is None or 0 < info.macs < args.macs_below)
        and (args.accuracy_above is None or (network.top1 or 0) > args.accuracy_above)
        and info.input_size in inputs
        and info.year in years
        and (bool(network.weights) or not args.pretrained)
    )


def _sorted(networks: list[ListedNetwork], column: str, reverse: bool) -> list[ListedNetwork]:
    """The networks sorted by a column; those without a number there come last. They are sorted by name already."""
    if column == "name":
        return networks[::-1] if reverse else networks

    def position(network: ListedNetwork) -> tuple[bool, float]:
        value = network.sort_value(column)
        return (True, 0) if value is None else (False, -value if reverse else value)

    return sorted(networks, key=position)
