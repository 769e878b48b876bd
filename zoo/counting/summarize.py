"""From a module and an input shape to its `Summary`."""

import gc
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.counting.graph import Graph
from zoo.counting.layer_grouping import group_layers
from zoo.counting.module_calls import init_shapes
from zoo.counting.receptive_fields import image_field, propagate
from zoo.counting.records import CountError
from zoo.counting.rows import fold_rows, layer_rows, misalignments, uncosted
from zoo.counting.summary import Summary
from zoo.counting.trace import trace
from zoo.errors import ZooError
from zoo.geometry import MAX_SIZE
from zoo.printable import quoted
from zoo.runtime.limits import DEPTH
from zoo.runtime.number_range import NumberRange

# Of an array; one without elements is of use too.
AXIS = NumberRange(minimum=0, maximum=MAX_SIZE)


def summarize(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    depth: int | None = None,
    xla: bool = False,
    dtype: Any = jnp.float32,
    call: Mapping[str, Any] | None = None,
) -> Summary:
    """Shape, parameters, multiply-adds and receptive field of every layer of a Linen module.

    `input_shape` includes the batch, as (1, 224, 224, 3). `depth` is the number of levels of modules to show: deeper
    ones are added up (default: all levels). `xla` adds XLA's own cost estimate to every row. `dtype` is that of the
    input: an integer type for a network of embeddings. `call` has keyword arguments of the module, as {"train": False};
    without it the module's defaults decide, and all that `init` takes can be counted: dropout, updates of batch
    statistics, counters and caches. Nothing is computed or allocated. Raises CountError where the module cannot be
    applied to such an input.
    """
    if depth is not None:
        DEPTH.check(depth, "depth")
    graph = trace_network(model, input_shape, dtype=dtype, call=call)
    return summarize_graph(type(model).__name__, graph, depth=depth, xla=xla)


def trace_network(
    model: nn.Module, input_shape: Sequence[int], *, dtype: Any = jnp.float32, call: Mapping[str, Any] | None = None
) -> Graph:
    """The network as a graph of operations; raises as `summarize` does."""
    keywords = dict(call or {})
    _check_call(model, keywords)
    name, shape = type(model).__name__, _shape(input_shape)
    example = jax.ShapeDtypeStruct(shape, dtype)
    try:
        with _garbage_collection_paused():
            variables = init_shapes(model, example, keywords)
            graph = trace(model, example, keywords, variables)
    except Exception as error:
        # A user's module may raise anything for a shape that it was not made for.
        if isinstance(error, ZooError) and len(shape) == 4:
            raise
        raise CountError(
            f"{name} cannot take an input of shape {shape}: {_first_paragraph(error)}{_hint(model, shape)}"
        ) from error
    _check_sizes(name, graph)
    return graph


def summarize_graph(name: str, graph: Graph, *, depth: int | None = None, xla: bool = False) -> Summary:
    """The summary of a traced network; `name` is that of its class."""
    groups = group_layers(graph)
    fields = propagate(graph.operations, {0: image_field(graph.input_shape)})
    rows = layer_rows(graph, groups, fields, xla=xla)
    return Summary(
        model=name,
        input_shape=graph.input_shape,
        rows=tuple(rows if depth is None else fold_rows(graph, groups, rows, depth)),
        macs=sum(op.macs or 0 for group in groups for op in group.products),
        parameters=_total(graph, "params"),
        batch_stats=_total(graph, "batch_stats"),
        unused=_unused(graph),
        uncosted=tuple(uncosted(graph, groups)),
        misaligned=tuple(misalignments(graph, groups, fields)),
        is_first_call=graph.is_first_call,
        has_transposed_convolutions=any(op.window is not None and op.window.transposed for op in graph.operations),
    )


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Raises CountError for what is no shape of an array."""
    numbers = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else (None,)
    if not all(AXIS.has(number) for number in numbers):
        raise CountError(f"the input shape is {quoted(shape)}: give the axes of the input, such as (1, 224, 224, 3)")
    return numbers


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Tracing makes many objects and little garbage: searching for garbage took a quarter of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _check_call(model: nn.Module, keywords: Mapping[str, Any]) -> None:
    """Raise CountError if the module has required arguments besides its input that are not in `keywords`."""
    parameters = inspect.signature(type(model).__call__).parameters.values()
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in variadic][2:]
    missing = [name for name in required if name not in keywords]
    if missing:
        raise CountError(
            f"{type(model).__name__} needs {' and '.join(repr(m) for m in missing)} besides its input: give them "
            "defaults, or pass them as call={...} in Python"
        )


def _first_paragraph(error: Exception) -> str:
    """The first paragraph of an error's message, on one line."""
    return " ".join(str(error).split("\n\n")[0].split()) or type(error).__name__


def _hint(model: nn.Module, shape: tuple[int, ...]) -> str:
    """Advice for a network of images, or where the batch may have been forgotten; other modules take other inputs."""
    advise = len(shape) == 3 or (len(shape) != 4 and hasattr(model, "image_shape"))
    return "; a batch of images has four axes: batch, height, width, channel" if advise else ""


def _check_sizes(name: str, graph: Graph) -> None:
    """Raise CountError where a window does not fit. An array may be empty for other reasons, and on purpose."""
    for op in graph.operations:
        if op.window is not None and not op.window.fits:
            paths = ["/".join(graph.calls[call].path) for call in op.calls]
            where = next((path for path in reversed(paths) if path), name)
            window, size = ("x".join(map(str, sizes)) for sizes in (op.window.kernel, graph.input_shape[1:-1]))
            images = f"{size} images are" if len(graph.input_shape) == 4 else f"inputs of shape {graph.input_shape} are"
            raise CountError(f"{images} too small for {name}: the {window} window of {where} does not fit")


def _total(graph: Graph, collection: str) -> int:
    return sum(variable.size for variable in graph.variables if variable.collection == collection)


def _unused(graph: Graph) -> tuple[tuple[str, int], ...]:
    """(module, parameters) of the parameters that no operation reads, by the first level of the parameter tree."""
    used = {(variable.collection, variable.path) for op in graph.operations for variable in op.variables}
    unused: dict[str, int] = {}
    for variable in graph.variables:
        if variable.collection == "params" and (variable.collection, variable.path) not in used:
            unused[variable.path[0]] = unused.get(variable.path[0], 0) + variable.size
    return tuple(unused.items())
