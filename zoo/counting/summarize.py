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
from zoo.counting.layer_grouping import group
from zoo.counting.receptive_fields import image_fields, propagate
from zoo.counting.records import CountError, Summary
from zoo.counting.rows import fold, misalignments, rows, uncosted
from zoo.counting.trace import trace
from zoo.errors import ZooError


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

    `input_shape` is that of the batch, as (1, 224, 224, 3). `depth` adds up what lies deeper than so many levels of
    modules. `xla` asks XLA for its own cost of every row. `call` holds keyword arguments of the module, as
    {"train": False}. Nothing is computed or allocated. Raises CountError where the module cannot take such an input.
    """
    graph = traced(model, input_shape, dtype=dtype, call=call)
    return summary_of(type(model).__name__, graph, depth=depth, xla=xla)


def traced(
    model: nn.Module, input_shape: Sequence[int], *, dtype: Any = jnp.float32, call: Mapping[str, Any] | None = None
) -> Graph:
    """The network as a graph of operations; raises as `summarize` does."""
    keywords = dict(call or {})
    _check_call(model, keywords)
    name, shape = type(model).__name__, tuple(input_shape)
    example = jax.ShapeDtypeStruct(shape, dtype)
    try:
        with _collector_paused():
            variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, **keywords), example)
            graph = trace(model, example, keywords, variables)
    except Exception as error:
        # Whatever a user's own module raises on a shape that it was not made for.
        if isinstance(error, ZooError) and len(shape) == 4:
            raise
        raise CountError(
            f"{name} cannot take an input of shape {shape}: {_first_lines(error)}{_hint(shape)}"
        ) from error
    _check_sizes(name, graph)
    return graph


def summary_of(name: str, graph: Graph, *, depth: int | None = None, xla: bool = False) -> Summary:
    """The summary of a traced network; `name` is its class's."""
    groups = group(graph)
    fields = propagate(graph.operations, {0: image_fields(graph.input_shape)})
    made = rows(graph, groups, fields, xla)
    return Summary(
        model=name,
        input_shape=graph.input_shape,
        rows=tuple(made if depth is None else fold(graph, groups, made, depth)),
        parameters=_total(graph, "params"),
        batch_stats=_total(graph, "batch_stats"),
        unused=_unused(graph),
        uncosted=tuple(uncosted(graph, groups)),
        misaligned=tuple(misalignments(graph, groups, fields)),
    )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Tracing makes many objects and little garbage: looking for some took a quarter of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _check_call(model: nn.Module, keywords: Mapping[str, Any]) -> None:
    """A module is called with one array; all else must have a default or be given."""
    takes = inspect.signature(type(model).__call__).parameters.values()
    positional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in takes if p.default is p.empty and p.kind not in positional][2:]
    missing = [name for name in needed if name not in keywords]
    if missing:
        raise CountError(
            f"{type(model).__name__} needs {' and '.join(repr(m) for m in missing)} besides its input: a network is "
            "counted with one input array, so give the others defaults (or pass them as call={...} in Python)"
        )


def _first_lines(error: Exception) -> str:
    """The first paragraph of an error's message, on one line."""
    return " ".join(str(error).split("\n\n")[0].split()) or type(error).__name__


def _hint(shape: tuple[int, ...]) -> str:
    return "" if len(shape) == 4 else "; a batch of images has four axes: batch, height, width, channel"


def _check_sizes(name: str, graph: Graph) -> None:
    for op in graph.operations:
        if 0 in op.shape and 0 not in graph.input_shape:
            paths = ["/".join(graph.calls[call].path) for call in op.calls]
            where = next((path for path in reversed(paths) if path), name)
            size = "x".join(str(n) for n in graph.input_shape[1:-1])
            raise CountError(f"{size} images are too small for {name}: nothing is left of them at {where}")


def _total(graph: Graph, collection: str) -> int:
    return sum(weight.size for weight in graph.weights if weight.collection == collection)


def _unused(graph: Graph) -> tuple[tuple[str, int], ...]:
    """(module, parameters) of what no operation reads, by the first level of the parameter tree."""
    used = {(weight.collection, weight.path) for op in graph.operations for weight in op.weights}
    idle: dict[str, int] = {}
    for weight in graph.weights:
        if weight.collection == "params" and (weight.collection, weight.path) not in used:
            idle[weight.path[0]] = idle.get(weight.path[0], 0) + weight.size
    return tuple(idle.items())
