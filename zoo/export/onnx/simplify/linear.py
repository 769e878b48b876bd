"""Scales and shifts of channels in the weights of the convolution or product before them, as batch norms are."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.rewriting import replace_values, uses

CONVOLUTIONS = ("Conv", "ConvTranspose")


def fold_linear(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Fold every constant that scales or shifts the output of a Conv, ConvTranspose or MatMul into its weights."""
    counts = uses(graph, outputs)
    replacements: dict[str, str] = {}
    for node in graph.nodes:
        if node.op not in ("Add", "Sub", "Mul", "Div"):
            continue
        name, constant, constant_is_left = constant_operand(graph, node, replacements)
        layer = graph.producers.get(name) if name else None
        if constant is None or layer is None or counts[name] != 1:
            continue
        if graph.shapes[node.outputs[0]] == graph.shapes[name] and _fold(
            graph, layer, node, constant, constant_is_left
        ):
            replacements[node.outputs[0]] = name
            counts[name] = counts[node.outputs[0]]
    return replace_values(graph, outputs, replacements)


def constant_operand(
    graph: GraphBuilder, node: Node, replacements: Mapping[str, str] | None = None
) -> tuple[str, np.ndarray | None, bool]:
    """The value and the constant of a node of two operands, and whether the constant comes first.

    `replacements` are values in the place of others, which are not in the graph yet.
    """
    left, right = (_final(name, replacements or {}) for name in node.inputs)
    if right in graph.constants:
        return left, graph.constants[right], False
    if left in graph.constants:
        return right, graph.constants[left], True
    return "", None, False


def _final(name: str, replacements: Mapping[str, str]) -> str:
    while name in replacements:
        name = replacements[name]
    return name


def _fold(graph: GraphBuilder, layer: Node, node: Node, constant: np.ndarray, constant_is_left: bool) -> bool:
    """Change the weights of the layer; False where that cannot be."""
    vector = _per_channel(graph, layer, constant)
    if vector is None or (node.op == "Div" and constant_is_left):
        return False
    if node.op == "Mul":
        return _scale(graph, layer, vector)
    if node.op == "Div":
        return bool(np.all(vector != 0)) and _scale(graph, layer, 1 / vector)
    if node.op == "Sub" and constant_is_left:
        return _scale(graph, layer, np.full_like(vector, -1)) and _shift(graph, layer, vector, node)
    return _shift(graph, layer, -vector if node.op == "Sub" else vector, node)


def _per_channel(graph: GraphBuilder, layer: Node, constant: np.ndarray) -> np.ndarray | None:
    """The constant as a vector with a number for each channel of the layer's output, in float64."""
    shape = graph.shapes[layer.outputs[0]][0]
    if layer.op in CONVOLUTIONS:
        axis = 1 - len(shape)
    elif layer.op == "MatMul" and _weight(graph, layer) is not None:
        axis = -1 if layer.inputs[1] in graph.constants else -2
    else:
        return None
    if not all(name in graph.constants for name in layer.inputs[1:] if layer.op in CONVOLUTIONS):
        return None
    features = shape[axis]
    numbers = constant.astype(np.float64)
    if numbers.size == 1:
        return np.full(features, numbers.reshape(()))
    others = [n for i, n in enumerate(numbers.shape) if i - numbers.ndim != axis]
    return numbers.reshape(-1) if numbers.size == features and set(others) <= {1} and -axis <= numbers.ndim else None


def _weight(graph: GraphBuilder, layer: Node) -> str | None:
    return next((name for name in layer.inputs if name in graph.constants), None)


def _scale(graph: GraphBuilder, layer: Node, vector: np.ndarray) -> bool:
    weight = layer.inputs[1] if layer.op in CONVOLUTIONS else _weight(graph, layer)
    assert weight is not None
    array = graph.constants[weight]
    if layer.op == "Conv" or (layer.op == "MatMul" and weight == layer.inputs[0]):
        factor = vector.reshape(-1, *(1,) * (array.ndim - 1))
    elif layer.op == "MatMul":
        factor = vector
    else:  # [channels, features / groups, ...] of ConvTranspose
        groups = layer.attributes["group"]
        rows = np.repeat(vector.reshape(groups, -1), len(array) // groups, axis=0)
        factor = rows.reshape(*rows.shape, *(1,) * (array.ndim - 2))
    _set(graph, layer, weight, array * factor)
    if len(layer.inputs) == 3:
        _set(graph, layer, layer.inputs[2], graph.constants[layer.inputs[2]] * vector)
    return True


def _shift(graph: GraphBuilder, layer: Node, vector: np.ndarray, node: Node) -> bool:
    dtype = graph.dtypes[layer.outputs[0]]
    if len(layer.inputs) == 3:
        _set(graph, layer, layer.inputs[2], graph.constants[layer.inputs[2]] + vector)
        return True
    if layer.op == "MatMul":
        is_plain = layer.inputs[1] in graph.constants and len(graph.shapes[layer.inputs[0]][0]) == 2
        if not is_plain:
            return False
        layer.op, layer.attributes = "Gemm", {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}
    label = next((graph.labels[name] for name in node.inputs if name in graph.labels), ())
    layer.inputs.append(graph.constant(vector.astype(dtype), label or (*layer.path, "bias")))
    return True


def _set(graph: GraphBuilder, layer: Node, name: str, array: np.ndarray) -> None:
    """Another constant in the place of one, which other layers may have too."""
    new = graph.constant(array.astype(graph.dtypes[name]), graph.labels.get(name, ()))
    layer.inputs = [new if one == name else one for one in layer.inputs]


def merge_pads(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Let a Conv pad its input itself, where a Pad with zeros did."""
    counts: Counter[str] = uses(graph, outputs)
    for node in graph.nodes:
        pad = graph.producers.get(node.inputs[0]) if node.inputs else None
        if node.op != "Conv" or pad is None or pad.op != "Pad" or "pads" not in node.attributes:
            continue
        both = [int(n) for n in graph.constants[pad.inputs[1]]]
        zero = len(pad.inputs) < 3 or float(graph.constants[pad.inputs[2]]) == 0
        half = len(both) // 2
        if zero and counts[node.inputs[0]] == 1 and not any((*both[:2], *both[half : half + 2])):
            node.attributes["pads"] = [
                n + more for n, more in zip(node.attributes["pads"], both[2:half] + both[half + 2 :], strict=True)
            ]
            node.inputs[0] = pad.inputs[0]
    return outputs


def fold_into_next(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """Fold what scales or shifts channels into the convolution that alone reads the result, as after layer norms."""
    counts = uses(graph, outputs)
    for layer in graph.nodes:
        while layer.op == "Conv" and _fold_before(graph, layer, counts):
            pass
    return outputs


def _fold_before(graph: GraphBuilder, layer: Node, counts: Counter[str]) -> bool:
    """Fold the node before a convolution into it; False if it is none that can be folded."""
    node = graph.producers.get(layer.inputs[0])
    if node is None or node.op not in ("Mul", "Add") or counts[layer.inputs[0]] != 1 or layer.attributes["group"] != 1:
        return False
    name, constant, _ = constant_operand(graph, node)
    if constant is None or not all(weight in graph.constants for weight in layer.inputs[1:]):
        return False
    kernel = graph.constants[layer.inputs[1]]
    shape = (kernel.shape[1], *(1,) * (kernel.ndim - 2))
    if graph.shapes[name] != graph.shapes[layer.inputs[0]] or constant.shape not in ((), shape):
        return False
    vector = np.broadcast_to(constant.astype(np.float64), shape)
    if node.op == "Mul":
        _set(graph, layer, layer.inputs[1], kernel * vector)
    else:
        if any(layer.attributes.get("pads", [1])):
            return False  # Padding is not shifted.
        total = (kernel * vector).sum(axis=tuple(range(1, kernel.ndim)))
        _shift(graph, layer, total, node)
    layer.inputs[0] = name
    return True
