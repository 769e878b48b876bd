"""The parts of a network, as its own modules divide it, and its stages: parts whose maps have one size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from zoo.report.layers.layers import Counted, Layer

# A module of more rows than this, made of modules, is shown by those.
LARGE = 40


@dataclass(frozen=True)
class Block:
    """Layers that are shown together: a module of the network, or a function between two."""

    index: int
    name: str
    layers: tuple[Layer, ...]

    @property
    def last(self) -> Layer:
        """The layer that makes its output, before that is put in another shape for what comes next."""
        return next((layer for layer in reversed(self.layers) if not layer.quiet), self.layers[-1])

    @property
    def maps(self) -> tuple[int, int, int]:
        """(height, width, channels) of its output."""
        return self.last.maps

    @property
    def parameters(self) -> int:
        """Of all its layers."""
        return sum(layer.row.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Of all its layers; what is not known counts nothing."""
        return sum(layer.row.macs or 0 for layer in self.layers)


@dataclass(frozen=True)
class Stage:
    """Blocks one after the other whose outputs have one size."""

    size: tuple[int, int]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The size of its maps."""
        return "vectors" if self.size == (1, 1) else f"{self.size[0]}×{self.size[1]} maps"

    @property
    def parameters(self) -> int:
        """Of all its blocks."""
        return sum(block.parameters for block in self.blocks)

    @property
    def macs(self) -> int:
        """Of all its blocks."""
        return sum(block.macs for block in self.blocks)


def blocks(network: Counted) -> tuple[Block, ...]:
    """The network's layers, divided; a quiet layer between two modules belongs to the one before it."""
    large = _large(network.layers)
    found: list[tuple[str, list[Layer]]] = []
    for layer in network.layers:
        name, outside = _name(layer, large), not layer.row.path
        joins_last = not outside and name in (found[-1][0], "") if found else False
        if found and (joins_last or (layer.quiet and (outside or _alone(layer)))):
            found[-1][1].append(layer)
        else:
            found.append((name or layer.top, [layer]))
    return tuple(Block(index, name, tuple(inside)) for index, (name, inside) in enumerate(found))


def stages(parts: Iterable[Block]) -> tuple[Stage, ...]:
    """Blocks by the size of their maps, in their order."""
    runs = groupby(parts, lambda block: block.maps[:2])
    return tuple(Stage(size, tuple(inside)) for size, inside in runs)


def _alone(layer: Layer) -> bool:
    """Whether it is a module of its own that does nothing in inference."""
    return layer.row.operation == "dropout" and "/" not in layer.row.path


def _large(layers: Sequence[Layer]) -> frozenset[str]:
    """Modules of many layers that consist of modules."""
    inside: dict[str, list[list[str]]] = {}
    for layer in layers:
        inside.setdefault(layer.top, []).append(layer.row.path.split("/"))
    return frozenset(
        top
        for top, paths in inside.items()
        if top and len(paths) > LARGE and len({path[1] for path in paths if len(path) > 1}) > 1
    )


def _name(layer: Layer, large: frozenset[str]) -> str:
    """The name of its block; "" for what joins the parts of a large module, which belongs to the part before it."""
    if not layer.row.path:
        return layer.row.operation
    path = layer.row.path.split("/")
    if path[0] in large:
        return "/".join(path[:2]) if len(path) > 1 else ""
    return path[0]
