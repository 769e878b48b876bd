"""Group and instance normalisation of images: one node for the means, the variances, and the scale and shift."""

from collections.abc import Sequence

import numpy as np

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.simplify.normalization import is_square
from zoo.export.onnx.simplify.rewriting import remove_unused, uses

MOVING = ("Reshape", "Expand")


def recognise_group_norm(graph: GraphBuilder, outputs: list[str]) -> list[str]:
    """One node for (x - mean) * (scale / sqrt(variance + epsilon)) + shift of groups of channels, as Flax has it."""
    counts = uses(graph, outputs)
    for node in list(graph.nodes):
        if node.op != "Mul":
            continue
        for difference, factor in (node.inputs, node.inputs[::-1]):
            if (found := _group_norm(graph, difference, factor)) is not None:
                _become(graph, node, *found, counts)
                break
    return remove_unused(graph, outputs)


def _group_norm(graph: GraphBuilder, difference: str, factor: str) -> tuple[str, int, float, np.ndarray] | None:
    """The images, the number of groups, epsilon and the scale of the channels."""
    minus = graph.producers.get(difference)
    if minus is None or minus.op != "Sub":
        return None
    images, mean = minus.inputs
    shape = graph.shapes[images][0]
    if len(shape) < 3:
        return None
    inverse, scale = _scaled(graph, _moved(graph, factor, ("Reshape",)), shape[1])
    if scale is None:
        return None
    root = graph.producers.get(_moved(graph, inverse, MOVING))
    plus = graph.producers.get(root.inputs[0]) if root is not None and root.op == "Reciprocal" else None
    plus = graph.producers.get(plus.inputs[0]) if plus is not None and plus.op == "Sqrt" else None
    if plus is None or plus.op != "Add":
        return None
    epsilons = [name for name in plus.inputs if name in graph.constants and graph.constants[name].size == 1]
    variances = [name for name in plus.inputs if name not in graph.constants]
    base = _moved(graph, mean, MOVING)
    groups = _groups(graph, base, images)
    if not epsilons or not variances or groups is None:
        return None
    variance = _moved(graph, variances[0], MOVING)
    per_channel = [_is_per_channel(graph, one, end, shape, groups) for one, end in ((mean, base), (factor, variance))]
    if not all(per_channel) or not _is_variance(graph, variance, base):
        return None
    return images, groups, float(graph.constants[epsilons[0]].reshape(())), scale


def _scaled(graph: GraphBuilder, name: str, channels: int) -> tuple[str, np.ndarray | None]:
    """The factor without the scale of the channels, and this scale."""
    node = graph.producers.get(name)
    if node is not None and node.op == "Mul":
        constants = [graph.constants[one] for one in node.inputs if one in graph.constants]
        others = [one for one in node.inputs if one not in graph.constants]
        shape = graph.shapes[name][0]
        vector = (channels, *(1,) * (len(shape) - 2))
        if len(constants) != 1 or len(shape) < 2 or shape[1] != channels or constants[0].shape not in (vector, ()):
            return name, None
        return others[0], np.broadcast_to(constants[0], vector).reshape(-1)
    return name, np.ones(channels, graph.dtypes[name])


def _moved(graph: GraphBuilder, name: str, ops: Sequence[str]) -> str:
    """The value that a chain of such nodes starts with."""
    while (node := graph.producers.get(name)) is not None and node.op in ops:
        name = node.inputs[0]
    return name


def _groups(graph: GraphBuilder, mean: str, images: str) -> int | None:
    """How many groups of channels a mean has."""
    node, channels = graph.producers.get(mean), graph.shapes[images][0][1]
    if node is None or node.op != "GlobalAveragePool":
        return None
    if node.inputs[0] == images:
        return channels
    grouping = graph.producers.get(node.inputs[0])
    if grouping is None or grouping.op != "Reshape" or grouping.inputs[0] != images:
        return None
    groups = graph.shapes[node.inputs[0]][0][1]
    expected = [(b, groups, c // groups, *size) for b, c, *size in graph.shapes[images]]
    return groups if groups and list(graph.shapes[node.inputs[0]]) == expected else None


def _is_per_channel(graph: GraphBuilder, name: str, base: str, shape: Sequence[int], groups: int) -> bool:
    """Whether a value has the number of each group, `base`, for each of its channels, by following positions."""
    size = (shape[0], groups)
    if np.prod(graph.shapes[base][0]) != np.prod(size):
        return False
    chain: list[tuple[str, tuple[int, ...]]] = []
    while name != base:
        node = graph.producers[name]
        chain.append((node.op, graph.shapes[name][0]))
        name = next(one for one in node.inputs if one not in graph.constants)
    numbers = np.arange(np.prod(size)).reshape(graph.shapes[base][0])
    for op, target in reversed(chain):
        numbers = numbers.reshape(target) if op == "Reshape" else np.broadcast_to(numbers, target)
    repeated = np.arange(np.prod(size)).reshape(size).repeat(shape[1] // groups, axis=1)
    wanted = repeated.reshape(*repeated.shape, *(1,) * (len(shape) - 2))
    return np.array_equal(np.broadcast_to(numbers, wanted.shape) if numbers.ndim <= len(shape) else numbers, wanted)


def _is_variance(graph: GraphBuilder, name: str, mean: str) -> bool:
    """The mean of the squares minus the square of the mean, or the mean of the squared differences."""
    node = graph.producers.get(name)
    if node is not None and node.op in ("Max", "Relu"):
        node = graph.producers.get(next(one for one in node.inputs if one not in graph.constants))
    if node is None:
        return False
    source = graph.producers[mean].inputs[0]
    if node.op == "GlobalAveragePool":
        square = graph.producers.get(node.inputs[0])
        minus = graph.producers.get(square.inputs[0]) if square is not None and square.op == "Mul" else None
        return (
            square is not None
            and minus is not None
            and is_square(graph, node.inputs[0], square.inputs[0])
            and (minus.op, minus.inputs[0]) == ("Sub", source)
            and _moved(graph, minus.inputs[1], ("Reshape",)) == mean
        )
    if node.op != "Sub":
        return False
    squares = graph.producers.get(node.inputs[0])
    return (
        squares is not None
        and squares.op == "GlobalAveragePool"
        and is_square(graph, squares.inputs[0], source)
        and is_square(graph, node.inputs[1], mean)
    )


def _become(
    graph: GraphBuilder, node: Node, images: str, groups: int, epsilon: float, scale: np.ndarray, counts: dict[str, int]
) -> None:
    """Turn the product into the norm, with the shift of the channels where it follows."""
    channels, shift = graph.shapes[images][0][1], None
    result = node
    users = [one for one in graph.nodes if node.outputs[0] in one.inputs]
    if counts[node.outputs[0]] == 1 and len(users) == 1 and users[0].op == "Add":
        constants = [graph.constants[name] for name in users[0].inputs if name in graph.constants]
        ndim = len(graph.shapes[images][0])
        if len(constants) == 1 and constants[0].shape in ((channels, *(1,) * (ndim - 2)), (), (1,)):
            shift, result = np.broadcast_to(constants[0].reshape(-1), (channels,)), users[0]
    dtype, path = graph.dtypes[images], node.path
    shift = np.zeros(channels) if shift is None else shift
    names = [
        graph.constant(scale.astype(dtype), (*path, "scale")),
        graph.constant(shift.astype(dtype), (*path, "bias")),
    ]
    result.inputs, result.path, result.attributes = [images, *names], path, {"epsilon": epsilon}
    result.op = "InstanceNormalization" if groups == channels else "GroupNormalization"
    if groups != channels:
        result.attributes["num_groups"] = groups
