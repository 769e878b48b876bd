"""The lesson's questions about sizes, with the answers of `zoo.count` and the formulas with the numbers put in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zoo.counting.formulas import conv_macs, conv_output_shape, conv_parameters, pool_output_shape
from zoo.geometry import Padding
from zoo.report.layers.pooling_examples import LESSON_GRID

# Ranges of the sizes that a reader may choose.
MAX_SIZES: Mapping[str, int] = {
    "size": 512,
    "depth": 2048,
    "filters": 2048,
    "kernel": 64,
    "stride": 16,
    "padding": 64,
    "reduced": 2048,
}
Sizes = Mapping[str, int]
Mode = str  # "explicit", "SAME" or "VALID"


@dataclass(frozen=True)
class Quiz:
    """A question: which quantity (`kind`), of which sizes, with which padding, its answer, and the way to it.

    `answer` is in the lesson's format: "14x14x20", "756560" or "2.5, 10, 15, 6".
    """

    name: str
    kind: str
    sizes: Mapping[str, int]
    mode: Mode
    answer: str
    worked: str


def answer(kind: str, sizes: Sizes, mode: Mode = "explicit") -> str:
    """The answer to a question of this kind. Raises CountError where the window does not fit."""
    return ANSWERS[kind](sizes, mode)


def lesson_quizzes() -> dict[str, Quiz]:
    """The lesson's questions by name, in its order."""
    return {name: _quiz(name, kind, sizes, mode) for name, (kind, sizes, mode) in QUESTIONS.items()}


def _quiz(name: str, kind: str, sizes: Sizes, mode: Mode) -> Quiz:
    return Quiz(name, kind, sizes, mode, answer(kind, sizes, mode), WORKED[kind](sizes, mode))


def _padding(sizes: Sizes, mode: Mode) -> Padding:
    return sizes.get("padding", 0) if mode == "explicit" else mode


def _input_shape(sizes: Sizes) -> tuple[int, int, int]:
    return sizes["size"], sizes["size"], sizes.get("depth", 1)


def _conv_shape(sizes: Sizes, mode: Mode) -> tuple[int, int, int]:
    return conv_output_shape(
        _input_shape(sizes),
        filters=sizes["filters"],
        kernel=(sizes["kernel"], sizes["kernel"]),
        stride=sizes["stride"],
        padding=_padding(sizes, mode),
    )


def _grid_answer(sizes: Sizes, mode: Mode) -> str:
    height, width, _ = _conv_shape({**sizes, "depth": 1, "filters": 1}, mode)
    return f"{height}x{width}"


def _conv_answer(sizes: Sizes, mode: Mode) -> str:
    return "x".join(map(str, _conv_shape(sizes, mode)))


def _pool_answer(sizes: Sizes, mode: Mode) -> str:
    window = (sizes["kernel"], sizes["kernel"])
    shape = pool_output_shape(_input_shape(sizes), window=window, stride=sizes["stride"], padding=_padding(sizes, mode))
    return "x".join(map(str, shape))


def _parameters(sizes: Sizes, mode: Mode, *, shared: bool) -> str:
    _conv_shape(sizes, mode)  # A filter that does not fit has no answer, though its weights could be counted.
    kernel = (sizes["kernel"], sizes["kernel"])
    return str(
        conv_parameters(
            _input_shape(sizes),
            filters=sizes["filters"],
            kernel=kernel,
            stride=sizes["stride"],
            padding=_padding(sizes, mode),
            shared=shared,
        )
    )


def _direct_macs(sizes: Sizes) -> int:
    kernel = (sizes["kernel"], sizes["kernel"])
    return conv_macs(_input_shape(sizes), filters=sizes["filters"], kernel=kernel, padding="SAME")


def _bottleneck_macs(sizes: Sizes) -> tuple[int, int]:
    """The multiplications of the 1x1 convolution, and of the larger one after it."""
    reduction = conv_macs(_input_shape(sizes), filters=sizes["reduced"], kernel=(1, 1), padding="SAME")
    return reduction, _direct_macs({**sizes, "depth": sizes["reduced"]})


def pooled(grid: tuple[tuple[float, ...], ...], combine: Callable[[list[float]], float]) -> str:
    """Windows of 2x2 with stride 2 of a grid, from the top left to the bottom right: "2.5, 10, 15, 6"."""
    windows = [
        [grid[y][x], grid[y][x + 1], grid[y + 1][x], grid[y + 1][x + 1]]
        for y in range(0, len(grid), 2)
        for x in range(0, len(grid[0]), 2)
    ]
    return ", ".join(f"{round(combine(window), 3):g}" for window in windows)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


ANSWERS: Mapping[str, Callable[[Sizes, Mode], str]] = {
    "grid_shape": _grid_answer,
    "conv_shape": _conv_answer,
    "pool_shape": _pool_answer,
    "parameters_unshared": lambda sizes, mode: _parameters(sizes, mode, shared=False),
    "parameters_shared": lambda sizes, mode: _parameters(sizes, mode, shared=True),
    "macs_direct": lambda sizes, mode: str(_direct_macs(sizes)),
    "macs_bottleneck": lambda sizes, mode: str(sum(_bottleneck_macs(sizes))),
    "max_pool": lambda sizes, mode: pooled(LESSON_GRID, max),
    "mean_pool": lambda sizes, mode: pooled(LESSON_GRID, _mean),
}


def _worked_size(sizes: Sizes, mode: Mode) -> str:
    """One side of the output: the formula with numbers."""
    size, kernel, stride = sizes["size"], sizes["kernel"], sizes["stride"]
    if mode == "SAME":
        return f"⌈{size} / {stride}⌉ = {-(-size // stride)}"
    padding = 0 if mode == "VALID" else sizes.get("padding", 0)
    return f"⌊({size} − {kernel} + 2·{padding}) / {stride}⌋ + 1 = {(size - kernel + 2 * padding) // stride + 1}"


def _worked_shape(sizes: Sizes, mode: Mode) -> str:
    return f"height and width: {_worked_size(sizes, mode)}; depth: {sizes['filters']}, one map for each filter"


def _worked_pool(sizes: Sizes, mode: Mode) -> str:
    return f"height and width: {_worked_size(sizes, mode)}; depth: {sizes['depth']}, as before"


def _one_filter(sizes: Sizes) -> str:
    return f"({sizes['kernel']} · {sizes['kernel']} · {sizes['depth']} + 1)"


def _worked_unshared(sizes: Sizes, mode: Mode) -> str:
    shape = " · ".join(map(str, _conv_shape(sizes, mode)))
    return f"{_one_filter(sizes)} · ({shape}) = {answer('parameters_unshared', sizes, mode)}"


def _worked_shared(sizes: Sizes, mode: Mode) -> str:
    return f"{_one_filter(sizes)} · {sizes['filters']} = {answer('parameters_shared', sizes, mode)}"


def _product(sizes: Sizes, depth: int) -> str:
    size, kernel = sizes["size"], sizes["kernel"]
    return f"({size} · {size} · {sizes['filters']}) · ({kernel} · {kernel} · {depth})"


def _worked_direct(sizes: Sizes, mode: Mode) -> str:
    return f"{_product(sizes, sizes['depth'])} = {_direct_macs(sizes)}"


def _worked_bottleneck(sizes: Sizes, mode: Mode) -> str:
    first, second = _bottleneck_macs(sizes)
    reduction = f"({sizes['size']} · {sizes['size']} · {sizes['reduced']}) · {sizes['depth']} = {first}"
    return f"{reduction}; {_product(sizes, sizes['reduced'])} = {second}; {first} + {second} = {first + second}"


def _worked_pooling(name: str) -> Callable[[Sizes, Mode], str]:
    def worked(sizes: Sizes, mode: Mode) -> str:
        grid, lines = LESSON_GRID, []
        for y, x in ((0, 0), (0, 2), (2, 0), (2, 2)):
            window = [grid[y][x], grid[y][x + 1], grid[y + 1][x], grid[y + 1][x + 1]]
            result = max(window) if name == "max" else _mean(window)
            lines.append(f"{name}({', '.join(f'{value:g}' for value in window)}) = {round(result, 3):g}")
        return "; ".join(lines).replace("-", "−")

    return worked


WORKED: Mapping[str, Callable[[Sizes, Mode], str]] = {
    "grid_shape": lambda sizes, mode: f"height and width: {_worked_size(sizes, mode)}",
    "conv_shape": _worked_shape,
    "pool_shape": _worked_pool,
    "parameters_unshared": _worked_unshared,
    "parameters_shared": _worked_shared,
    "macs_direct": _worked_direct,
    "macs_bottleneck": _worked_bottleneck,
    "max_pool": _worked_pooling("max"),
    "mean_pool": _worked_pooling("mean"),
}

_CONVOLUTION = {"size": 32, "depth": 3, "filters": 20, "kernel": 8, "stride": 2, "padding": 1}
_UNPADDED = {key: value for key, value in _CONVOLUTION.items() if key != "padding"}
_BOTTLENECK = {"size": 28, "depth": 128, "filters": 64, "kernel": 5}
# Name: kind, sizes and padding of each of the lesson's questions.
QUESTIONS: Mapping[str, tuple[str, Sizes, Mode]] = {
    "grid": ("grid_shape", {"size": 5, "kernel": 3, "stride": 1, "padding": 0}, "explicit"),
    "convolution": ("conv_shape", _CONVOLUTION, "explicit"),
    "same": ("conv_shape", _UNPADDED, "SAME"),
    "valid": ("conv_shape", _UNPADDED, "VALID"),
    "unshared": ("parameters_unshared", _CONVOLUTION, "explicit"),
    "shared": ("parameters_shared", _CONVOLUTION, "explicit"),
    "layer": ("conv_shape", {"size": 10, "depth": 3, "filters": 64, "kernel": 5, "stride": 2}, "SAME"),
    "pool": ("pool_shape", {"size": 4, "depth": 5, "kernel": 2, "stride": 2}, "VALID"),
    "max_pool": ("max_pool", {}, "VALID"),
    "mean_pool": ("mean_pool", {}, "VALID"),
    "direct": ("macs_direct", _BOTTLENECK, "SAME"),
    "bottleneck": ("macs_bottleneck", {**_BOTTLENECK, "reduced": 32}, "SAME"),
}
