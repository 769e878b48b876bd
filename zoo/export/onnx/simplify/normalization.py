"""Layer normalisation: one node where its axis is the last, else fewer passes over the array."""

from collections.abc import Iterator

import numpy as np

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.rewriting import remove_unused, replace_values, uses


def scale_last(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """a * (b * constant) as (a * b) * constant, where the constant would make b larger than it is.

    So Flax's norms scale: b has a number for each position, the constant one for each channel.
    """
    counts = uses(graph, outputs)
    for node in list(graph.nodes):
        for i, name in enumerate(node.inputs if node.op == "Mul" else ()):
            inner = graph.producers.get(name)
            if inner is None or inner.op != "Mul" or counts[name] != 1:
                continue
            constants = [one for one in inner.inputs if one in graph.constants]
            others = [one for one in inner.inputs if one not in graph.constants]
            if len(constants) != 1 or graph.shapes[others[0]] == graph.shapes[name]:
                continue
            # The inner node becomes the product of the two values, in front of this one.
            other = node.inputs[1 - i]
            inner.inputs = [other, others[0]]
            graph.shapes[name] = graph.shapes[node.outputs[0]]
            node.inputs = [name, constants[0]]
            _move_before(graph, inner, node)
            break
    return outputs


def _move_before(graph: GraphBuilder, node: Node, other: Node) -> None:
    graph.nodes.remove(node)
    graph.nodes.insert(graph.nodes.index(other), node)


def recognise_layer_norm(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """(x - mean) / sqrt(variance + epsilon) along the last axis, with the scale and the shift after it, as one node."""
    replacements: dict[str, str] = {}
    for node in list(graph.nodes):
        if node.op in ("Mul", "Div") and (found := _layer_norm(graph, node)):
            source, epsilon = found
            features, *others = {shape[-1] for shape in graph.shapes[source]}
            if not others:
                ones = graph.constant(np.ones(features, graph.dtypes[source]), (*node.path, "scale"))
                node.op, node.inputs = "LayerNormalization", [source, ones]
                node.attributes = {"axis": -1, "epsilon": epsilon}
                _absorb(graph, outputs, node, replacements)
    return replace_values(graph, remove_unused(graph, outputs), replacements)


def _layer_norm(graph: GraphBuilder, product: Node) -> tuple[str, float] | None:
    """The array that is normalised, and epsilon."""
    is_quotient = product.op == "Div"
    for difference, inverse in (product.inputs,) if is_quotient else (product.inputs, product.inputs[::-1]):
        chain = ("Sqrt",) if is_quotient else ("Reciprocal", "Sqrt")
        minus, root = graph.producers.get(difference), _inside(graph, inverse, *chain)
        if minus is None or minus.op != "Sub" or root is None:
            continue
        source, mean = minus.inputs
        plus = graph.producers.get(root)
        if plus is None or plus.op != "Add" or not _is_mean(graph, mean, source):
            continue
        epsilons = [name for name in plus.inputs if name in graph.constants and graph.constants[name].size == 1]
        variances = [name for name in plus.inputs if name not in graph.constants]
        if epsilons and variances and _is_variance(graph, variances[0], source, mean, difference):
            return source, float(graph.constants[epsilons[0]].reshape(()))
    return None


def _inside(graph: GraphBuilder, name: str, *ops: str) -> str | None:
    """The input of a chain of nodes with one input each, the last one first."""
    for op in ops:
        node = graph.producers.get(name)
        if node is None or node.op != op:
            return None
        name = node.inputs[0]
    return name


def _is_mean(graph: GraphBuilder, name: str, source: str) -> bool:
    node = graph.producers.get(name)
    if node is None or node.op != "ReduceMean" or node.inputs[0] != source:
        return False
    return graph.constants[node.inputs[1]].tolist() == [len(graph.shapes[source][0]) - 1]


def is_square(graph: GraphBuilder, name: str, source: str) -> bool:
    node = graph.producers.get(name)
    return node is not None and node.op == "Mul" and node.inputs == [source, source]


def _is_variance(graph: GraphBuilder, name: str, source: str, mean: str, difference: str) -> bool:
    """The mean of the squared differences, or Flax's faster one: of the squares, minus the square of the mean."""
    node = graph.producers.get(name)
    if node is None:
        return False
    if node.op == "ReduceMean":
        return is_square(graph, node.inputs[0], difference) and _is_mean(graph, name, node.inputs[0])
    if node.op == "Relu":  # It removes negative rounding errors; a larger minimum would change the result.
        return _is_variance(graph, node.inputs[0], source, mean, difference)
    if node.op != "Sub":
        return False
    squares, square = node.inputs
    inner = graph.producers.get(squares)
    return (
        inner is not None
        and _is_mean(graph, squares, inner.inputs[0])
        and is_square(graph, inner.inputs[0], source)
        and is_square(graph, square, mean)
    )


def _absorb(graph: GraphBuilder, outputs: list[str], norm: Node, replacements: dict[str, str]) -> None:
    """Take the scale and the shift of the features after a norm into it."""
    for op in ("Mul", "Add"):
        users = list(_users(graph, norm.outputs[0]))
        if len(users) != 1 or norm.outputs[0] in outputs or users[0].op != op:
            return
        (user,) = users
        constants = [name for name in user.inputs if name in graph.constants]
        features = graph.shapes[norm.outputs[0]][0][-1]
        if len(constants) != 1 or graph.constants[constants[0]].shape != (features,):
            return
        if op == "Mul":
            norm.inputs[1] = constants[0]
        else:
            norm.inputs.append(constants[0])
        # The norm takes the place of its user.
        norm.outputs, user.outputs = user.outputs, norm.outputs
        graph.producers[norm.outputs[0]] = norm
        graph.nodes.remove(user)


def _users(graph: GraphBuilder, name: str) -> Iterator[Node]:
    return (node for node in graph.nodes if name in node.inputs)
