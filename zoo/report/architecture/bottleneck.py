"""What a 1x1 convolution before a larger one saves: a network's bottlenecks, and the lesson's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.counting.formulas import Shape, conv_macs
from zoo.report.layers.counted_network import CountedNetwork, Layer, Window
from zoo.report.number_formats import format_product


@dataclass(frozen=True)
class ConvCost:
    """A convolution's multiply-adds: the convolution in words, the product, and its value."""

    label: str
    product: str
    macs: int


@dataclass(frozen=True)
class Bottleneck:
    """A 1x1 convolution with the convolutions after it, and the single convolution that they replace."""

    name: str
    convolutions: tuple[ConvCost, ...]
    direct: ConvCost

    @property
    def macs(self) -> int:
        """The multiply-adds of all its convolutions."""
        return sum(one.macs for one in self.convolutions)

    @property
    def ratio(self) -> float:
        """The direct convolution's multiply-adds over the bottleneck's."""
        return self.direct.macs / self.macs


def _conv_cost(maps: Shape, filters: int, kernel: tuple[int, int], depth: int) -> ConvCost:
    macs = conv_macs((*maps[:2], depth), filters=filters, kernel=kernel, padding="SAME")
    return ConvCost(
        label=f"{filters:,} filters of {kernel[0]}×{kernel[1]}×{depth:,}",
        product=f"({format_product((*maps[:2], filters))}) × ({kernel[0]} × {kernel[1]} × {depth:,})",
        macs=macs,
    )


def _bottleneck(name: str, maps: Shape, depth: int, steps: Sequence[tuple[int, tuple[int, int]]]) -> Bottleneck:
    """`steps` are (filters, kernel): the first reads `depth` maps, the second has the larger window."""
    depths = [depth, *(filters for filters, _ in steps)]
    convolutions = [
        _conv_cost(maps, filters, kernel, before) for before, (filters, kernel) in zip(depths, steps, strict=False)
    ]
    return Bottleneck(name, tuple(convolutions), direct=_conv_cost(maps, steps[-1][0], steps[1][1], depth))


LESSON_BOTTLENECK = _bottleneck(
    "the lesson's: 28×28×128 to 64 maps by 5×5", (28, 28, 128), 128, [(32, (1, 1)), (64, (5, 5))]
)


def find_bottlenecks(network: CountedNetwork) -> tuple[Bottleneck, ...]:
    """All bottlenecks, in order: a 1x1 to fewer maps, a larger window, and a 1x1 to more maps if there is one."""
    readers = _readers(network)
    found = (_bottleneck_at(layer, readers) for layer in network.layers)
    return tuple(one for one in found if one is not None)


def _bottleneck_at(reduce: Layer, readers: Mapping[int, list[Layer]]) -> Bottleneck | None:
    reduction = _conv_window(reduce, pointwise=True)
    if reduction is None or reduction.filters >= reduction.input_shape[2]:
        return None
    wide = _next_layer(reduce, readers)
    window = _conv_window(wide, pointwise=False)
    if wide is None or window is None or window.groups != 1 or wide.maps[:2] != window.input_shape[:2]:
        return None
    convs, windows = [reduce, wide], [reduction, window]
    expand = _next_layer(wide, readers)
    expansion = _conv_window(expand, pointwise=True)
    if expand is not None and expansion is not None and expansion.filters > window.filters:
        convs.append(expand)
        windows.append(expansion)
    steps = [(conv.filters, conv.kernel) for conv in windows]
    name = _joint_name([conv.row.path.removesuffix("/conv") for conv in convs])
    return _bottleneck(name, wide.maps, reduction.input_shape[2], steps)


def _conv_window(layer: Layer | None, *, pointwise: bool) -> Window | None:
    """The layer's window if it is a convolution, of 1x1 or of more."""
    window = layer.window if layer is not None else None
    fits = window is not None and window.is_conv and (max(window.kernel) == 1) == pointwise
    return window if fits else None


def _next_layer(layer: Layer, readers: Mapping[int, list[Layer]]) -> Layer | None:
    """The layer that reads this one's output, after activations and the like; None if there are several."""
    following = readers.get(layer.index, [])
    while len(following) == 1 and following[0].window is None and not following[0].joins:
        following = readers.get(following[0].index, [])
    return following[0] if len(following) == 1 else None


def _readers(network: CountedNetwork) -> dict[int, list[Layer]]:
    """{index of a layer: the layers that read its output}."""
    found: dict[int, list[Layer]] = {}
    for layer in network.layers:
        for row in {one.row for one in layer.inputs if one.row is not None}:
            found.setdefault(row, []).append(layer)
    return found


def _joint_name(paths: list[str]) -> str:
    """inception_3a/5x5_reduce and inception_3a/5x5 as "inception_3a: 5x5_reduce, 5x5"."""
    modules = {path.rpartition("/")[0] for path in paths}
    if len(modules) > 1 or modules == {""}:
        return ", ".join(paths)
    return f"{modules.pop()}: {', '.join(path.rpartition('/')[2] for path in paths)}"
