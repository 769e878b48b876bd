"""Constant scales and shifts one after the other as one of each; of channels, as a batch norm."""

from collections import Counter

import numpy as np

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.linear import constant_operand
from zoo.export.onnx.simplify.rewriting import remove_unused, uses

AFFINE = ("Add", "Sub", "Mul", "Div")


def merge_affine(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Two or more scales and shifts of each channel as one BatchNormalization; of all values alike, as Mul and Add."""
    counts = uses(graph, outputs)
    for node in list(graph.nodes):
        chain = _chain(graph, node, counts)
        if len(chain) < 2 or _goes_on(graph, node, counts):
            continue
        source = constant_operand(graph, chain[-1])[0]
        shape = graph.shapes[source][0]
        if graph.shapes[source] != graph.shapes[node.outputs[0]] or graph.dtypes[source].kind in "iub":
            continue
        scale, shift = _composed(graph, chain)
        channels = (shape[1], *(1,) * (len(shape) - 2)) if len(shape) > 2 else None
        if channels is not None and np.broadcast_shapes(scale.shape, shift.shape) == channels and shape[1] > 1:
            vectors = [np.broadcast_to(one, channels).reshape(-1) for one in (scale, shift)]
            _become_norm(graph, node, source, *vectors)
        elif len(chain) > 2:
            _become_two(graph, node, source, scale, shift)
    return remove_unused(graph, outputs)


def _chain(graph: GraphBuilder, node: Node, counts: Counter[str]) -> list[Node]:
    """The scales and shifts that end with this node, the last one first."""
    chain: list[Node] = []
    current: Node | None = node
    while current is not None and current.op in AFFINE:
        name, constant, constant_is_left = constant_operand(graph, current)
        if constant is None or (current.op == "Div" and constant_is_left):
            break
        if chain and counts[current.outputs[0]] != 1:
            break
        chain.append(current)
        current = graph.producers.get(name)
    return chain


def _goes_on(graph: GraphBuilder, node: Node, counts: Counter[str]) -> bool:
    """Whether a longer chain ends after this node."""
    if counts[node.outputs[0]] != 1:
        return False
    users = [one for one in graph.nodes if node.outputs[0] in one.inputs]
    return bool(users) and len(_chain(graph, users[0], counts)) > 1


def _composed(graph: GraphBuilder, chain: list[Node]) -> tuple[np.ndarray, np.ndarray]:
    """(scale, shift) of all nodes together, in float64."""
    scale, shift = np.ones(()), np.zeros(())
    for node in reversed(chain):
        _, constant, constant_is_left = constant_operand(graph, node)
        assert constant is not None
        number = constant.astype(np.float64)
        if node.op in ("Mul", "Div"):
            factor = number if node.op == "Mul" else 1 / number
            scale, shift = scale * factor, shift * factor
        elif node.op == "Sub" and constant_is_left:
            scale, shift = -scale, number - shift
        else:
            shift = shift + (number if node.op == "Add" else -number)
    return scale, shift


def _become_norm(graph: GraphBuilder, node: Node, source: str, scale: np.ndarray, shift: np.ndarray) -> None:
    dtype = graph.dtypes[source]
    vectors = [scale, shift, np.zeros_like(scale), np.ones_like(scale)]
    labels = [(*node.path, name) for name in ("scale", "bias", "mean", "var")]
    constants = [graph.constant(one.astype(dtype), label) for one, label in zip(vectors, labels, strict=True)]
    node.op, node.inputs, node.attributes = "BatchNormalization", [source, *constants], {"epsilon": 0.0}


def _become_two(graph: GraphBuilder, node: Node, source: str, scale: np.ndarray, shift: np.ndarray) -> None:
    dtype = graph.dtypes[source]
    graph.path = node.path
    product = graph.node("Mul", [source, graph.constant(scale.astype(dtype))])
    graph.nodes.remove(graph.producers[product])
    graph.nodes.insert(graph.nodes.index(node), graph.producers[product])
    node.op, node.inputs, node.attributes = "Add", [product, graph.constant(shift.astype(dtype))], {}
