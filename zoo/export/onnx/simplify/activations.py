"""Activations, recognised by their values: chains of elementwise nodes of one input become one node.

However an activation is written, by Flax or by hand, it is a function of one number. It is computed at some numbers
and compared with the activations that ONNX has.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.rewriting import remove_unused, uses

Function = Callable[..., np.ndarray]
# Both sides of every bend: of one close to 0, and of one far out, as a clip of pixels to 255.
_SIZES = np.concatenate([np.geomspace(1e-6, 1e6, 500), [80.0, 1e30]])
POINTS = np.concatenate([np.linspace(-12, 12, 197), -_SIZES, _SIZES])
# Constants such as 1/sqrt(2) have the precision of float32. What is 0 must be 0: it may be divided by.
TOLERANCE = np.where(np.abs(POINTS) > 12, 1e-10, 1e-7 * np.abs(POINTS))
LONGEST = 20  # nodes in a chain

erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


# The nodes that chains are made of.
EVALUATE: dict[str, Function] = {
    "Abs": np.abs,
    "Add": np.add,
    "Clip": lambda x, low=-np.inf, high=np.inf: np.minimum(np.maximum(x, low), high),
    "Div": np.divide,
    "Equal": np.equal,
    "Erf": erf,
    "Exp": np.exp,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": _sigmoid,
    "Sign": np.sign,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Where": np.where,
}


def _at(values: np.ndarray, point: float) -> float:
    return float(values[np.argmin(np.abs(POINTS - point))])


def _candidates(values: np.ndarray) -> Iterator[tuple[str, dict[str, Any], np.ndarray]]:
    """Operators of ONNX with the attributes that could fit, and their values at `POINTS`."""
    x = POINTS
    negative, positive = np.minimum(x, 0), np.maximum(x, 0)
    yield "Relu", {}, positive
    yield "Gelu", {"approximate": "none"}, 0.5 * x * (1 + erf(x / math.sqrt(2)))
    yield "Gelu", {"approximate": "tanh"}, 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    yield "HardSwish", {}, x * np.clip(x / 6 + 0.5, 0, 1)
    yield "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, np.clip(x / 6 + 0.5, 0, 1)
    yield "HardSigmoid", {"alpha": 0.2, "beta": 0.5}, np.clip(0.2 * x + 0.5, 0, 1)
    yield "Clip", {"low": float(values.min()), "high": float(values.max())}, np.clip(x, values.min(), values.max())
    yield "Softplus", {}, np.logaddexp(x, 0)
    yield "Mish", {}, x * np.tanh(np.logaddexp(x, 0))
    yield "Softsign", {}, x / (1 + np.abs(x))
    slope = _at(values, -80.0) / -80
    yield "LeakyRelu", {"alpha": slope}, np.where(x < 0, slope * x, x)
    alpha = -_at(values, -80.0)
    yield "Elu", {"alpha": alpha}, positive + alpha * np.expm1(negative)
    if alpha > 0:
        yield "Celu", {"alpha": alpha}, positive + alpha * np.expm1(negative / alpha)
    gamma = _at(values, 80.0) / 80
    if gamma > 0 and alpha > 0:
        selu = gamma * (positive + alpha / gamma * np.expm1(negative))
        yield "Selu", {"alpha": alpha / gamma, "gamma": gamma}, selu


def recognise_activations(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Put one node in the place of each chain that is an activation."""
    counts = uses(graph, outputs)
    for node in graph.nodes:
        if node.op not in EVALUATE or graph.dtypes[node.outputs[0]].kind in "iub":
            continue
        for start, chain in _chains(graph, node):
            if len(chain) < 2 or graph.shapes[start] != graph.shapes[node.outputs[0]]:
                continue
            if graph.dtypes[start] != graph.dtypes[node.outputs[0]] or _is_used_elsewhere(chain, counts):
                continue
            if (found := _activation(graph, node, start, chain)) is not None:
                _become(graph, node, *found, start)
                break
    return remove_unused(graph, outputs)


def _is_used_elsewhere(chain: list[Node], counts: Counter[str]) -> bool:
    """Whether a part of the chain has a user outside of it, so that nothing would be saved."""
    within = Counter(name for node in chain for name in node.inputs)
    return any(counts[node.outputs[0]] > within[node.outputs[0]] for node in chain[1:])


def _chains(graph: GraphBuilder, node: Node) -> Iterator[tuple[str, list[Node]]]:
    """Values that the node depends on alone, the farthest first, each with the nodes between, the last one first."""
    found: list[tuple[str, list[Node]]] = []
    chain, frontier = [node], {name for name in node.inputs if name not in graph.constants}
    while len(chain) <= LONGEST and frontier:
        if len(frontier) == 1:
            found.append((next(iter(frontier)), list(chain)))
        producers = [(name, graph.producers.get(name)) for name in frontier]
        open_nodes = [(name, one) for name, one in producers if one is not None and _is_scalar(graph, one)]
        if not open_nodes:
            break
        # The latest node first, so that a value is entered after all of its users.
        name, latest = max(open_nodes, key=lambda pair: int(pair[0][1:]))
        chain.append(latest)
        frontier = (frontier - {name}) | {one for one in latest.inputs if one not in graph.constants}
    return iter(found[::-1])


def _is_scalar(graph: GraphBuilder, node: Node) -> bool:
    """Whether a node computes each number from numbers at the same place, and constant numbers."""
    return node.op in EVALUATE and all(
        graph.constants[name].ndim == 0 for name in node.inputs if name in graph.constants
    )


def _activation(graph: GraphBuilder, node: Node, start: str, chain: list[Node]) -> tuple[str, dict[str, Any]] | None:
    if not _is_scalar(graph, node):
        return None
    known: dict[str, np.ndarray] = {start: POINTS}
    with np.errstate(all="ignore"):
        for one in reversed(chain):
            arguments = [
                graph.constants[name].astype(np.float64) if name in graph.constants else known[name]
                for name in one.inputs
            ]
            known[one.outputs[0]] = EVALUATE[one.op](*arguments)
        values = known[node.outputs[0]]
        if not np.isfinite(values).all():
            return None
        for op, attributes, expected in _candidates(values):
            if np.all(np.abs(values - expected) <= TOLERANCE + 1e-6 * np.abs(expected)) and _is_clear(op, attributes):
                return op, attributes
    return None


def _is_clear(op: str, attributes: dict[str, Any]) -> bool:
    """Whether the attributes are those of the function, and not those of a line."""
    if op == "Clip":
        return attributes["low"] > POINTS.min() or attributes["high"] < POINTS.max()
    return op != "LeakyRelu" or 0 < attributes["alpha"] < 1


def _become(graph: GraphBuilder, node: Node, op: str, attributes: dict[str, Any], start: str) -> None:
    node.inputs, node.op, node.attributes = [start], op, attributes
    if op == "Clip":
        low, high = attributes["low"], attributes["high"]
        bounded = [low > POINTS.min(), high < POINTS.max()]
        names = [graph.scalar(low if bounded[0] else -np.inf, start), graph.scalar(high, start)]
        node.inputs, node.attributes = [start, *(names if bounded[1] else names[:1])], {}
