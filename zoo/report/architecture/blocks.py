"""A network divided into blocks, along its own modules, and into stages: blocks whose outputs have one size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from zoo.report.layers.counted_network import CountedNetwork, Layer

# A module with more layers than this is divided into its submodules.
MAX_LAYERS = 40


@dataclass(frozen=True)
class Block:
    """Layers that are shown together: a module of the network, or a function between two modules."""

    index: int
    name: str
    layers: tuple[Layer, ...]

    @property
    def last(self) -> Layer:
        """The last main layer; a reshape for the next block, for example, comes after it."""
        return next((layer for layer in reversed(self.layers) if not layer.is_minor), self.layers[-1])

    @property
    def maps(self) -> tuple[int, int, int]:
        """(height, width, channels) of its output."""
        return self.last.maps

    @property
    def parameters(self) -> int:
        """The parameters of all its layers."""
        return sum(layer.row.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """The multiply-adds of all its layers; unknown ones count as 0."""
        return sum(layer.row.macs or 0 for layer in self.layers)


@dataclass(frozen=True)
class Stage:
    """Consecutive blocks whose outputs have one (height, width)."""

    size: tuple[int, int]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The size of its maps, such as "28×28 maps"."""
        return "vectors" if self.size == (1, 1) else f"{self.size[0]}×{self.size[1]} maps"

    @property
    def parameters(self) -> int:
        """The parameters of all its blocks."""
        return sum(block.parameters for block in self.blocks)

    @property
    def macs(self) -> int:
        """The multiply-adds of all its blocks."""
        return sum(block.macs for block in self.blocks)


def divide_into_blocks(network: CountedNetwork) -> tuple[Block, ...]:
    """The network's layers in blocks, in their order; a minor layer between two modules belongs to the first."""
    large = _large_modules(network.layers)
    found: list[tuple[str, list[Layer]]] = []
    for layer in network.layers:
        name, outside = _block_name(layer, large), not layer.row.path
        same_block = not outside and name in (found[-1][0], "") if found else False
        if found and (same_block or (layer.is_minor and (outside or _is_dropout_module(layer)))):
            found[-1][1].append(layer)
        else:
            found.append((name or layer.top, [layer]))
    return tuple(Block(index, name, tuple(layers)) for index, (name, layers) in enumerate(found))


def group_into_stages(blocks: Iterable[Block]) -> tuple[Stage, ...]:
    """Blocks in stages, in their order."""
    groups = groupby(blocks, lambda block: block.maps[:2])
    return tuple(Stage(size, tuple(group)) for size, group in groups)


def _is_dropout_module(layer: Layer) -> bool:
    return layer.row.operation == "dropout" and "/" not in layer.row.path


def _large_modules(layers: Sequence[Layer]) -> frozenset[str]:
    """Modules with many layers and several submodules."""
    paths_of: dict[str, list[list[str]]] = {}
    for layer in layers:
        paths_of.setdefault(layer.top, []).append(layer.row.path.split("/"))
    return frozenset(
        top
        for top, paths in paths_of.items()
        if top and len(paths) > MAX_LAYERS and len({path[1] for path in paths if len(path) > 1}) > 1
    )


def _block_name(layer: Layer, large: frozenset[str]) -> str:
    """The name of the layer's block; "" for an operation between submodules, which belongs to the block before it."""
    if not layer.row.path:
        return layer.row.operation
    path = layer.row.path.split("/")
    if path[0] in large:
        return "/".join(path[:2]) if len(path) > 1 else ""
    return path[0]
