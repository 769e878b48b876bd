"""From the graph that was built to ONNX's own classes, with names that are the network's paths."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zoo.export.onnx.graph import GraphBuilder, Node
from zoo.export.onnx.program import Shape

# ONNX Runtime runs both from version 1.20 (November 2024) on, OpenVINO from 2025.0.
OPSET = 21
BFLOAT16_OPSET = 22  # that of convolutions and pools in bfloat16
IR_VERSION = 10
# The node that a layer is; others of the layer have the name of what they do too.
MAIN = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LRN", "LayerNormalization", "MaxPool", "AveragePool")
FREE_NAMES = ("batch", "height", "width")


def model_proto(graph: GraphBuilder, outputs: Mapping[str, str], producer_version: str) -> onnx.ModelProto:
    """The model; `outputs` are the values that it returns, by name."""
    images = graph.images
    names = _value_names(graph, images, outputs)
    constants = _constant_names(graph, names)
    names |= constants
    initializers: dict[str, onnx.TensorProto] = {}
    for name in _used_constants(graph):
        initializers.setdefault(names[name], numpy_helper.from_array(graph.constants[name], names[name]))
    # An output that is the input, or another output, or a constant.
    copies = [
        helper.make_node("Identity", [names[value]], [name], name)
        for name, value in outputs.items()
        if names[value] != name
    ]
    onnx_graph = helper.make_graph(
        [*(_node(node, names) for node in graph.nodes), *copies],
        "network",
        [_value_info(names[images], graph.shapes[images], graph.dtypes[images], graph.sizes)],
        [_value_info(name, graph.shapes[value], graph.dtypes[value], graph.sizes) for name, value in outputs.items()],
        list(initializers.values()),
    )
    return helper.make_model(
        onnx_graph,
        opset_imports=[helper.make_opsetid("", BFLOAT16_OPSET if _computes_in_bfloat16(graph) else OPSET)],
        ir_version=IR_VERSION,
        producer_name="zoo",
        producer_version=producer_version,
    )


def _computes_in_bfloat16(graph: GraphBuilder) -> bool:
    return any(graph.dtypes[node.outputs[0]].name == "bfloat16" for node in graph.nodes if node.op != "Cast")


def _node(node: Node, names: Mapping[str, str]) -> onnx.NodeProto:
    attributes = {
        key: helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value
        for key, value in node.attributes.items()
    }
    inputs = [names[name] if name else "" for name in node.inputs]
    outputs = [names[name] for name in node.outputs]
    made = helper.make_node(node.op, inputs, outputs, outputs[0])
    made.attribute.extend(helper.make_attribute(key, attributes[key]) for key in sorted(attributes))
    return made


def _value_names(graph: GraphBuilder, images: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """A name for the output of each node, which is the node's too: the path of its module, and what it does there."""
    taken: Counter[str] = Counter()
    names = {images: "images"}
    of_outputs = {value: name for name, value in reversed(list(outputs.items())) if value not in graph.constants}
    reserved = {"images", *outputs}
    for node in graph.nodes:
        path = "/".join(node.path)
        base = path if node.op in MAIN and path and not taken[path] else f"{path}/{node.op}".lstrip("/")
        taken[base] += 1
        name = base if taken[base] == 1 else f"{base}_{taken[base]}"
        while name in reserved:
            name += "_"
        reserved.add(name)
        names[node.outputs[0]] = of_outputs.get(node.outputs[0], name) if node.outputs[0] != images else "images"
    return names


def _used_constants(graph: GraphBuilder) -> list[str]:
    return list(dict.fromkeys(name for node in graph.nodes for name in node.inputs if name in graph.constants))


def _constant_names(graph: GraphBuilder, values: Mapping[str, str]) -> dict[str, str]:
    """A name for each constant: its variable's path, else that of its first user. Equal small ones share a name."""
    taken, names = set(values.values()), {}
    small: dict[tuple, str] = {}
    for node in graph.nodes:
        for name in node.inputs:
            if name not in graph.constants or name in names:
                continue
            array = graph.constants[name]
            is_small = array.size <= 64 and name not in graph.labels
            key = (array.dtype.str, array.shape, array.tobytes()) if is_small else ()
            if key and key in small:
                names[name] = small[key]
                continue
            base = "/".join(graph.labels.get(name, ())) or f"{values[node.outputs[0]]}/constant"
            unique, number = base, 1
            while unique in taken:
                number += 1
                unique = f"{base}_{number}"
            taken.add(unique)
            names[name] = unique
            if key:
                small[key] = unique
    return names


def _value_info(name: str, shapes: Sequence[Shape], dtype: np.dtype, images: Sequence[Shape]) -> onnx.ValueInfoProto:
    """The type and shape of an input or output; a free size that is one of the images' has its name."""
    dimensions: list[int | str | None] = []
    for sizes in zip(*shapes, strict=True):
        of_images = [tuple(shape[axis] for shape in images) for axis in range(min(len(FREE_NAMES), len(images[0])))]
        free = FREE_NAMES[of_images.index(sizes)] if sizes in of_images else None
        dimensions.append(sizes[0] if len(set(sizes)) == 1 else free)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, dimensions)
