"""How deep a network is, as papers count: layers with weights on the longest path, without activations and the like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo.counting.layer_grouping import POOL_FUNCTIONS
from zoo.report.layers.counted_network import CountedNetwork, Layer


@dataclass(frozen=True)
class Depth:
    """Layers with weights on the longest path from the image to the output, those and its pools, and on all paths.

    GoogLeNet "is 22 layers deep when counting only layers with parameters (or 27 layers if we also count pooling)"
    (Szegedy et al. 2014, section 5).
    """

    weighted: int
    with_pools: int
    all_weighted: int


def is_weighted(layer: Layer) -> bool:
    """Whether it is a convolution or a dense layer: it multiplies its inputs by weights."""
    return bool(layer.parameters and layer.row.macs != 0)


def measure_depth(network: CountedNetwork) -> Depth:
    """The depth of a network."""
    return Depth(
        weighted=longest_path(network.layers, is_weighted),
        with_pools=longest_path(
            network.layers, lambda layer: is_weighted(layer) or layer.row.operation in POOL_FUNCTIONS
        ),
        all_weighted=sum(map(is_weighted, network.layers)),
    )


def longest_path(layers: Sequence[Layer], counts: Callable[[Layer], bool]) -> int:
    """The most counted layers on a path through some layers of a network to their last; each reads layers before it."""
    lengths: dict[int, int] = {}
    for layer in layers:
        before = max((lengths.get(row, 0) for row in _rows_on_path(layer)), default=0)
        lengths[layer.index] = before + counts(layer)
    return lengths[layers[-1].index] if layers else 0


def _rows_on_path(layer: Layer) -> list[int]:
    """The rows that it reads, without a gate: one value per map that scales whole maps, as in squeeze-and-excite."""
    positions = [one.shape[1:-1] for one in layer.inputs]
    whole = max(positions, key=lambda shape: (len(shape), shape), default=())
    return [one.row for one in layer.inputs if one.row is not None and one.shape[1:-1] == whole]
