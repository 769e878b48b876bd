"""What a 1x1 convolution before a larger one saves: the bottlenecks of a network, and the lesson's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.counting.formulas import Shape, conv_macs
from zoo.report.html.numbers import times
from zoo.report.layers.layers import Counted, Layer


@dataclass(frozen=True)
class Product:
    """A convolution's multiply-adds, as a product and its value."""

    what: str
    worked: str
    macs: int


@dataclass(frozen=True)
class Bottleneck:
    """A way through a 1x1 convolution, and the convolution that would do without it."""

    name: str
    through: tuple[Product, ...]
    direct: Product

    @property
    def macs(self) -> int:
        """Of the way through the 1x1."""
        return sum(step.macs for step in self.through)

    @property
    def times_fewer(self) -> float:
        """How many times as much the direct convolution costs."""
        return self.direct.macs / self.macs


def _product(maps: Shape, filters: int, kernel: tuple[int, int], depth: int) -> Product:
    macs = conv_macs((*maps[:2], depth), filters=filters, kernel=kernel, padding="SAME")
    size = f"{kernel[0]}×{kernel[1]}"
    return Product(
        f"{filters:,} filters of {size}×{depth:,}",
        f"({times((*maps[:2], filters))}) × ({kernel[0]} × {kernel[1]} × {depth:,})",
        macs,
    )


def _bottleneck(name: str, maps: Shape, depth: int, steps: Sequence[tuple[int, tuple[int, int]]]) -> Bottleneck:
    """`steps` as (filters, kernel): the first reads `depth` maps, the second has the larger window."""
    depths = [depth, *(filters for filters, _ in steps)]
    through = [
        _product(maps, filters, kernel, before) for before, (filters, kernel) in zip(depths, steps, strict=False)
    ]
    return Bottleneck(name, tuple(through), _product(maps, steps[-1][0], steps[1][1], depth))


LESSON = _bottleneck("the lesson's: 28×28×128 to 64 maps by 5×5", (28, 28, 128), 128, [(32, (1, 1)), (64, (5, 5))])


def bottlenecks(network: Counted) -> tuple[Bottleneck, ...]:
    """Those of the network in its order: 1x1 to fewer maps, a larger window, and the 1x1 back if there is one."""
    readers = _readers(network)
    found = (_at(layer, readers) for layer in network.layers)
    return tuple(one for one in found if one is not None)


def _at(reduce: Layer, readers: Mapping[int, list[Layer]]) -> Bottleneck | None:
    if not _is_conv(reduce, one=True) or reduce.window.filters >= reduce.window.input_shape[2]:
        return None
    wide = _next(reduce, readers)
    if wide is None or not _is_conv(wide, one=False) or wide.window.groups != 1 or not _keeps_size(wide):
        return None
    convs = [reduce, wide]
    back = _next(wide, readers)
    if back is not None and _is_conv(back, one=True) and back.window.filters > wide.window.filters:
        convs.append(back)
    steps = [(conv.window.filters, conv.window.kernel) for conv in convs]
    name = _common([conv.row.path.removesuffix("/conv") for conv in convs])
    return _bottleneck(name, wide.maps, reduce.window.input_shape[2], steps)


def _is_conv(layer: Layer, one: bool) -> bool:
    return layer.window is not None and layer.window.is_conv and (max(layer.window.kernel) == 1) == one


def _keeps_size(layer: Layer) -> bool:
    return layer.maps[:2] == layer.window.input_shape[:2]


def _next(layer: Layer, readers: Mapping[int, list[Layer]]) -> Layer | None:
    """The convolution that reads a layer's output, through what only changes its values; None where it branches."""
    following = readers.get(layer.index, [])
    while len(following) == 1 and following[0].window is None and not following[0].joins:
        following = readers.get(following[0].index, [])
    return following[0] if len(following) == 1 else None


def _readers(network: Counted) -> dict[int, list[Layer]]:
    found: dict[int, list[Layer]] = {}
    for layer in network.layers:
        for row in {one.row for one in layer.inputs if one.row is not None}:
            found.setdefault(row, []).append(layer)
    return found


def _common(paths: list[str]) -> str:
    """inception_3a/5x5_reduce and inception_3a/5x5 as inception_3a: 5x5_reduce, 5x5."""
    heads = {path.rpartition("/")[0] for path in paths}
    if len(heads) > 1 or heads == {""}:
        return ", ".join(paths)
    return f"{heads.pop()}: {', '.join(path.rpartition('/')[2] for path in paths)}"
