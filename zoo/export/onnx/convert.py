"""From a JAX function of images to an ONNX model: traced, then converted step by step, then simplified.

The layout is the main idea: `tensors` says how arrays of JAX lie in ONNX tensors.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import onnx

from zoo import __version__
from zoo.export.onnx.graph import WINDOW_SUM, GraphBuilder
from zoo.export.onnx.operators import (
    convolutions,
    elementwise,
    gathers,
    movement,
    pools,
    products,
    reductions,
    reshaping,
)
from zoo.export.onnx.operators.averages import average
from zoo.export.onnx.operators.response_norm import response_norm_layers
from zoo.export.onnx.program import ADVICE, Constant, Data, NoConversion, Path, Program, Shape, Step
from zoo.export.onnx.read_program import read_program
from zoo.export.onnx.serialize import model_proto
from zoo.export.onnx.simplify.activations import recognise_activations
from zoo.export.onnx.simplify.affine import merge_affine
from zoo.export.onnx.simplify.duplicates import merge_duplicates
from zoo.export.onnx.simplify.group_norm import recognise_group_norm
from zoo.export.onnx.simplify.linear import fold_into_next, fold_linear, merge_pads
from zoo.export.onnx.simplify.normalization import recognise_layer_norm, scale_last
from zoo.export.onnx.simplify.resizes import merge_resizes
from zoo.export.onnx.simplify.rewriting import remove_unused
from zoo.export.onnx.simplify.softmax import recognise_softmax
from zoo.export.onnx.storage import store_weights
from zoo.export.onnx.tensors import Tensor, arranged, materialized, plain

Convert = Callable[[GraphBuilder, Step, Sequence[Tensor | Constant]], list[Tensor]]
SIMPLIFICATIONS = (
    merge_duplicates,
    merge_resizes,
    recognise_group_norm,
    recognise_softmax,
    recognise_activations,
    scale_last,
    fold_linear,
    recognise_layer_norm,
    fold_into_next,
    merge_affine,
    merge_pads,
    remove_unused,
)
PRIMITIVES: Mapping[str, Convert] = {
    **dict.fromkeys(elementwise.BUILD, elementwise.elementwise),
    **dict.fromkeys(elementwise.UNCHANGED, elementwise.unchanged),
    **dict.fromkeys([*reductions.OPS, *reductions.BOOLEAN], reductions.reduction),
    **dict.fromkeys(reductions.ARGUMENTS, reductions.arg_reduction),
    **dict.fromkeys(("reduce_window_max", "reduce_window_min", "reduce_window_sum"), pools.pool),
    **dict.fromkeys(("reshape", "squeeze", "expand_dims"), reshaping.reshape),
    "broadcast_in_dim": movement.broadcast_in_dim,
    "concatenate": movement.concatenate,
    "conv_general_dilated": convolutions.convolution,
    "cumsum": reductions.cumulative_sum,
    "dot_general": products.product,
    "dynamic_slice": movement.dynamic_slice,
    "gather": gathers.gather,
    "pad": movement.pad,
    "rev": movement.reverse,
    "slice": movement.slice_,
    "split": movement.split,
    "stack": movement.stack,
    "tile": movement.tile,
    "transpose": movement.transpose,
    "unstack": movement.unstack,
}
CHANNELS_FIRST = (0, 3, 1, 2)
RANDOM = ("random_", "rng_", "threefry")


def onnx_model(
    function: Callable[[Any, jax.Array], Mapping[str, jax.Array]],
    variables: Any,
    input_shapes: Sequence[Shape],
    *,
    input_dtype: Any = np.float32,
    stored_dtype: Any = None,
) -> onnx.ModelProto:
    """The ONNX model of function(variables, images), whose results have names.

    `input_shapes` are shapes of images [b, h, w, c]: one, or several that differ in the dimensions that are free. They
    should differ in odd and even sizes too, since rounding does. Only what is the same, or follows a rule of ONNX, for
    all of them can be converted. `stored_dtype` is a type for kernels in the file, which are float32 again in its
    computation. Raises NoConversion, which names the layers and what has no ONNX form in them.
    """
    examples = [jax.ShapeDtypeStruct(shape, input_dtype) for shape in input_shapes]
    program = read_program(function, variables, examples)
    _refuse_unknown(program)
    graph = GraphBuilder(program.images.shapes)
    graph.images = graph.value(program.images.shapes, program.images.dtype)
    tensor = plain(graph.images, program.images.shapes)
    # Before anything else, so that preprocessing too is of channels that lie apart, which is faster.
    if tensor.rank == 4:
        tensor = arranged(graph, tensor, CHANNELS_FIRST)
    values: dict[Data, Tensor] = {program.images: tensor}
    _convert(graph, program, values)
    graph.path = ()
    outputs = {}
    for name, value in program.outputs.items():
        tensor = movement.as_tensor(graph, values[value] if isinstance(value, Data) else value)
        outputs[name] = materialized(graph, tensor, range(tensor.rank)).name
    final = list(outputs.values())
    for simplify in SIMPLIFICATIONS:
        final = simplify(graph, final)
    _refuse_window_sums(graph)
    # An output is of a node, whatever it is.
    final = [graph.node("Identity", [name]) if name in graph.constants else name for name in final]
    graph.add_targets()
    if stored_dtype is not None:
        store_weights(graph, stored_dtype)
    return model_proto(graph, dict(zip(outputs, final, strict=True)), __version__)


def _convert(graph: GraphBuilder, program: Program, values: dict[Data, Tensor]) -> None:
    """Add the nodes of all steps to the graph; `values` gets the tensor of each result."""
    norms = response_norm_layers(program.steps)
    for step in program.steps:
        graph.path = step.path
        if (norm := norms.get(step)) is not None:
            values[step.outputs[0]] = norm.node(graph, values[norm.images])
            continue
        if step in norms:
            continue
        operands = [values[value] if isinstance(value, Data) else value for value in step.inputs]
        mean = average(graph, step, operands)
        results = [mean] if mean is not None else PRIMITIVES[step.primitive](graph, step, operands)
        values.update(zip(step.outputs, results, strict=True))


def _refuse_window_sums(graph: GraphBuilder) -> None:
    """Raises NoConversion for sums that were not divided."""
    for node in graph.nodes:
        if node.op == WINDOW_SUM:
            graph.path = node.path
            raise graph.refusal("sums of windows that the edge cuts have no ONNX form: export it with a fixed size")


def _refuse_unknown(program: Program) -> None:
    """Raises NoConversion for all primitives that have no conversion, before anything is converted."""
    unknown: dict[str, Path] = {}
    for step in program.steps:
        if step.primitive not in PRIMITIVES:
            unknown.setdefault(step.primitive, step.path)
    if any(name.startswith(RANDOM) for name in unknown):
        path = next(path for name, path in unknown.items() if name.startswith(RANDOM))
        raise NoConversion(f"{'/'.join(path) or 'the network'} draws random numbers: export it as for inference")
    if unknown:
        listed = ", ".join(f"{name} (in {'/'.join(path) or 'the network itself'})" for name, path in unknown.items())
        raise NoConversion(f"these operations have no ONNX form here: {listed}; {ADVICE}")
