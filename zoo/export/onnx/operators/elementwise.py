"""Primitives of which each output depends on the inputs at the same position."""

from collections.abc import Callable, Sequence

import numpy as np

from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.program import Constant, Step
from zoo.export.onnx.tensors import Tensor, aligned

Build = Callable[[GraphBuilder, list[str], Step], str]


def elementwise(graph: GraphBuilder, step: Step, operands: Sequence[Tensor | Constant]) -> list[Tensor]:
    """A primitive of `BUILD` on operands of one rank, or numbers."""
    names, order, index_orders = aligned(graph, operands)
    name = BUILD[step.primitive](graph, names, step)
    return [Tensor(name, step.outputs[0].shapes, order, index_orders)]


def unchanged(graph: GraphBuilder, step: Step, operands: Sequence[Tensor | Constant]) -> list[Tensor]:
    """A primitive that returns its operands."""
    return [operand for operand in operands if isinstance(operand, Tensor)]


def _unary(op: str) -> Build:
    return lambda graph, names, step: graph.node(op, names[:1])


def _binary(op: str) -> Build:
    return lambda graph, names, step: graph.binary(op, *names)


def _comparison(op: str) -> Build:
    return lambda graph, names, step: graph.binary(op, names[0], names[1], dtype=bool)


def _bitwise(op: str, logical: str) -> Build:
    return lambda graph, names, step: graph.binary(logical if _is_boolean(graph, names[0]) else op, *names)


def _is_boolean(graph: GraphBuilder, name: str) -> bool:
    return graph.dtypes[name].kind == "b"


def _not(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.node("Not" if _is_boolean(graph, names[0]) else "BitwiseNot", names)


def _cast(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.cast(names[0], step.params[0]["new_dtype"])


def _power(graph: GraphBuilder, names: list[str], step: Step) -> str:
    """x ** y for a whole number y."""
    (x,), y = names, step.params[0]["y"]
    if y == -1:
        return graph.node("Reciprocal", [x])
    if 2 <= y <= 4:
        square = graph.binary("Mul", x, x)
        return square if y == 2 else graph.binary("Mul", square, x if y == 3 else square)
    return graph.binary("Pow", x, graph.scalar(y, x))


def _square(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.binary("Mul", names[0], names[0])


def _rsqrt(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.node("Reciprocal", [graph.node("Sqrt", names)])


def _cbrt(graph: GraphBuilder, names: list[str], step: Step) -> str:
    size = graph.binary("Pow", graph.node("Abs", names), graph.scalar(1 / 3, names[0]))
    return graph.binary("Mul", graph.node("Sign", names), size)


def _exp2(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.binary("Pow", graph.scalar(2, names[0]), names[0])


def _expm1(graph: GraphBuilder, names: list[str], step: Step) -> str:
    """By tanh, which is right near 0: exp(x) - 1 = 2 t / (1 - t) with t = tanh(x / 2)."""
    half = graph.binary("Mul", names[0], graph.scalar(0.5, names[0]))
    small = graph.node("Tanh", [half])
    divided = graph.binary("Div", small, graph.binary("Sub", graph.scalar(1, small), small))
    near = graph.binary("Mul", divided, graph.scalar(2, divided))
    far = graph.binary("Sub", graph.node("Exp", names), graph.scalar(1, names[0]))
    is_near = graph.binary("Less", graph.node("Abs", names), graph.scalar(1, names[0]), bool)
    return graph.node("Where", [is_near, near, far], graph.shapes[near], graph.dtypes[near])


def _log1p(graph: GraphBuilder, names: list[str], step: Step) -> str:
    """log(1 + x), times what it lost to rounding where x is small (Kahan)."""
    (x,) = names
    one, u = graph.scalar(1, x), graph.binary("Add", x, graph.scalar(1, x))
    bounded = graph.binary("Min", x, graph.scalar(1e4, x))  # Above, nothing is lost, and infinity has no ratio.
    rounded = graph.binary("Add", bounded, one)
    ratio = graph.binary("Div", bounded, graph.binary("Sub", rounded, one))
    corrected = graph.binary("Mul", graph.node("Log", [u]), ratio)
    return _where(graph, graph.binary("Equal", rounded, one, bool), x, corrected)


def _erfc(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.binary("Sub", graph.scalar(1, names[0]), graph.node("Erf", names))


def _round(graph: GraphBuilder, names: list[str], step: Step) -> str:
    if int(step.params[0]["rounding_method"]) == 1:  # to the nearest even number
        return graph.node("Round", names)
    up = graph.binary("Add", graph.node("Abs", names), graph.scalar(0.5, names[0]))
    return graph.binary("Mul", graph.node("Sign", names), graph.node("Floor", [up]))


def _remainder(graph: GraphBuilder, names: list[str], step: Step) -> str:
    name = graph.binary("Mod", *names)
    graph.producers[name].attributes["fmod"] = 1
    return name


def _divided(graph: GraphBuilder, names: list[str], step: Step) -> str:
    return graph.binary("Div", *names)


def _clamped(graph: GraphBuilder, names: list[str], step: Step) -> str:
    low, x, high = names
    return graph.binary("Min", graph.binary("Max", x, low), high)


def _maximum(graph: GraphBuilder, names: list[str], step: Step) -> str:
    if _is_boolean(graph, names[0]):
        return graph.binary("Or", *names)
    for x, other in (names, names[::-1]):
        constant = graph.constants.get(other)
        if constant is not None and constant.ndim == 0 and constant == 0 and graph.dtypes[x].kind not in "iub":
            return graph.node("Relu", [x])
        if constant is not None and constant.ndim == 0 and constant == -np.inf:
            return x
    return graph.binary("Max", *names)


def _selected(graph: GraphBuilder, names: list[str], step: Step) -> str:
    """select_n: the first case where the first operand is false (or 0), the second where it is true (or 1)."""
    which, chosen, *others = names
    if len(others) == 1:
        return _where(graph, graph.cast(which, bool), others[0], chosen)
    for number, case in enumerate(others, 1):
        chosen = _where(graph, graph.binary("Equal", which, graph.scalar(number, which), bool), case, chosen)
    return chosen


def _where(graph: GraphBuilder, condition: str, one: str, other: str) -> str:
    names = [condition, one, other]
    shapes = [np.broadcast_shapes(*parts) for parts in zip(*(graph.shapes[name] for name in names), strict=True)]
    return graph.node("Where", names, shapes, graph.dtypes[one])


def selected(graph: GraphBuilder, which: Tensor | Constant, false: Tensor | Constant, true: Tensor) -> Tensor:
    """The second array where the condition is false, else the third: of one rank, and of the last one's shape."""
    names, order, index_orders = aligned(graph, [which, false, true])
    return Tensor(_where(graph, names[0], names[2], names[1]), true.shapes, order, index_orders)


def _is_finite(graph: GraphBuilder, names: list[str], step: Step) -> str:
    infinite, nan = graph.node("IsInf", names, dtype=bool), graph.node("IsNaN", names, dtype=bool)
    return graph.node("Not", [graph.binary("Or", infinite, nan)])


BUILD: dict[str, Build] = {
    "abs": _unary("Abs"),
    "acos": _unary("Acos"),
    "acosh": _unary("Acosh"),
    "add": _binary("Add"),
    "add_any": _binary("Add"),
    "and": _bitwise("BitwiseAnd", "And"),
    "asin": _unary("Asin"),
    "asinh": _unary("Asinh"),
    "atan": _unary("Atan"),
    "atanh": _unary("Atanh"),
    "cbrt": _cbrt,
    "ceil": _unary("Ceil"),
    "clamp": _clamped,
    "convert_element_type": _cast,
    "cos": _unary("Cos"),
    "cosh": _unary("Cosh"),
    "div": _divided,
    "eq": _comparison("Equal"),
    "erf": _unary("Erf"),
    "erfc": _erfc,
    "exp": _unary("Exp"),
    "exp2": _exp2,
    "expm1": _expm1,
    "floor": _unary("Floor"),
    "ge": _comparison("GreaterOrEqual"),
    "gt": _comparison("Greater"),
    "integer_pow": _power,
    "is_finite": _is_finite,
    "le": _comparison("LessOrEqual"),
    "log": _unary("Log"),
    "log1p": _log1p,
    "logistic": _unary("Sigmoid"),
    "lt": _comparison("Less"),
    "max": _maximum,
    "min": _bitwise("Min", "And"),
    "mul": _binary("Mul"),
    "ne": lambda graph, names, step: graph.node("Not", [graph.binary("Equal", names[0], names[1], dtype=bool)]),
    "neg": _unary("Neg"),
    "not": _not,
    "or": _bitwise("BitwiseOr", "Or"),
    "pow": _binary("Pow"),
    "rem": _remainder,
    "round": _round,
    "rsqrt": _rsqrt,
    "select_n": _selected,
    "sign": _unary("Sign"),
    "sin": _unary("Sin"),
    "sinh": _unary("Sinh"),
    "sqrt": _unary("Sqrt"),
    "square": _square,
    "sub": _binary("Sub"),
    "tan": _unary("Tan"),
    "tanh": _unary("Tanh"),
    "xor": _bitwise("BitwiseXor", "Xor"),
}
UNCHANGED = frozenset(
    """
    copy copy_p device_put layout_constraint name optimization_barrier pvary sharding_constraint stop_gradient
    """.split()  # noqa: SIM905 (as a list: one line)
)
