"""From a Flax module to a `Graph`. The only file that reads jaxprs, which are no public interface of JAX.

The module is applied to shapes, not arrays, so nothing is computed or allocated. While it is traced every module call
puts its number on the name stack, from which each equation's module is known afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import flax.linen as nn
import jax
from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import Literal

from zoo.counting.graph import Call, Frames, Function, Graph, Operation, Read, Weight
from zoo.counting.primitives import Step, cost, read

MARK = "zoo_call_"
# Equations that only call another jaxpr, by the name of the parameter that holds it.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
    "composite": "jaxpr",
}


def trace(model: nn.Module, example: jax.ShapeDtypeStruct, keywords: Mapping[str, Any], variables: Any) -> Graph:
    """What `model.apply(variables, example, **keywords)` computes; `variables` as shapes."""
    calls: list[Call] = []

    def enter(run: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
        kind = type(context.module)
        modules = {base.__module__ for base in kind.__mro__} - {nn.Module.__module__}
        flax_layer = any(module.startswith("flax.linen") for module in modules)
        calls.append(Call(context.module.path, kind.__name__, flax_layer))
        with jax.named_scope(f"{MARK}{len(calls) - 1}"):
            output = run(*args, **kwargs)
            # A layer that does nothing (dropout in inference) leaves a trace all the same.
            if context.method_name == "__call__" and args and output is args[0]:
                output = checkpoint_name(output, "identity")
        return output

    def run(variables: Any, x: jax.Array) -> Any:
        return model.apply(variables, x, **keywords)

    with nn.override_named_call(False), nn.intercept_methods(enter):
        closed = jax.make_jaxpr(run)(variables, example)
    weights = tuple(_weight(path, leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(variables)[0])
    walk = _Walk()
    inputs = [Value(weights=frozenset([weight])) for weight in weights] + [Value(data=0)]
    walk.through(closed.jaxpr, inputs, frames=())
    return Graph(tuple(walk.operations), tuple(calls), weights, tuple(example.shape))


def _weight(path: tuple, leaf: Any) -> Weight:
    collection, *names = (str(getattr(key, "key", key)) for key in path)
    return Weight(collection, tuple(names), leaf.size)


@dataclass(frozen=True)
class Value:
    """A traced array: the number of one that depends on the input, or the variables that one is made of."""

    data: int | None = None
    weights: frozenset[Weight] = frozenset()


def _scope(frame: str) -> int | Function:
    """A level of the name stack: a module call where it is one of our marks, else a function's name."""
    return int(frame.removeprefix(MARK)) if frame.startswith(MARK) else Function(_public(frame))


def _public(name: str) -> str:
    """The name where it says something to a reader, else ""."""
    return "" if name.startswith("_") or "<" in name else name


@dataclass
class _Walk:
    """What has been found so far on the way through a jaxpr."""

    operations: list[Operation] = field(default_factory=list)
    values: int = 1
    entered: int = 0

    def through(self, jaxpr, inputs: Sequence[Value], frames: Frames) -> list[Value]:
        """Note the operations of a jaxpr whose arguments are `inputs`; the values of its results."""
        known = dict(zip(jaxpr.invars, inputs, strict=True))

        def value(atom) -> Value:
            return Value() if isinstance(atom, Literal) else known.get(atom, Value())

        for eqn in jaxpr.eqns:
            stack = eqn.source_info.name_stack.stack
            inside = (*frames, *(_scope(level.name) for level in stack if type(level).__name__ == "Scope"))
            results = self._equation(eqn, [value(atom) for atom in eqn.invars], inside)
            known.update(zip(eqn.outvars, results, strict=True))
        return [value(atom) for atom in jaxpr.outvars]

    def _equation(self, eqn, inputs: list[Value], frames: Frames) -> list[Value]:
        name = eqn.primitive.name
        depends = any(value.data is not None for value in inputs)
        if name == "scan":
            return self._scan(eqn, inputs, frames)
        if name in CALLS:
            inner = _opened(eqn.params[CALLS[name]])
            called = eqn.params["name"] if name in ("jit", "pjit", "composite") else _function_name(inner)
            return self.through(inner, inputs, self._entered(frames, called))
        weights = frozenset().union(*(value.weights for value in inputs))
        if not depends and not (weights and name in ("conv_general_dilated", "dot_general")):
            return [Value(weights=weights)] * len(eqn.outvars)
        if name == "cond" and eqn.params.get("branches_platforms"):
            # The same function for each platform: any will do, and the one for all others is written plainly.
            return self.through(_opened(eqn.params["branches"][-1]), inputs[1:], frames)
        if name == "cond":
            self._dearest(eqn.params["branches"], inputs[1:], frames)
        return self._operations(eqn, inputs, weights, frames)

    def _entered(self, frames: Frames, name: str) -> Frames:
        self.entered += 1
        return (*frames, Function(_public(name), self.entered))

    def _operations(self, eqn, inputs: list[Value], weights: frozenset[Weight], frames: Frames) -> list[Value]:
        """One `Operation` an output; the first carries the cost."""
        step = Step(
            eqn.primitive.name,
            eqn.params,
            tuple(tuple(getattr(atom.aval, "shape", ())) for atom in eqn.invars),
            tuple(tuple(getattr(out.aval, "shape", ())) for out in eqn.outvars),
        )
        data = [(i, value.data) for i, value in enumerate(inputs) if value.data is not None]
        paid = cost(step)
        for number, out in enumerate(eqn.outvars):
            operation = Operation(
                name=step.name,
                inputs=tuple(value for _, value in data),
                reads=tuple(read(step, i, number) for i, _ in data),
                output=self.values + number,
                shape=step.outputs[number],
                itemsize=getattr(getattr(out.aval, "dtype", None), "itemsize", 0),
                frames=frames,
                weights=weights,
                window=paid.window,
                macs=paid.macs if number == 0 else 0,
                applications=paid.applications,
                compute=eqn if number == 0 else None,
            )
            self.operations.append(operation)
        self.values += len(eqn.outvars)
        return [Value(data=self.values - len(eqn.outvars) + number) for number in range(len(eqn.outvars))]

    def _scan(self, eqn, inputs: list[Value], frames: Frames) -> list[Value]:
        """A scan, one turn after the other: layers stacked by `nn.scan` are layers like any other."""
        body, turns = _opened(eqn.params["jaxpr"]), eqn.params["length"]
        # What is scanned over or collected has one axis more outside. (JAX's versions differ in what they say of it.)
        carried = sum(out.aval.ndim == inner.aval.ndim for out, inner in zip(eqn.outvars, body.outvars, strict=True))
        scanned = sum(atom.aval.ndim > inner.aval.ndim for atom, inner in zip(eqn.invars, body.invars, strict=True))
        fixed = len(inputs) - carried - scanned
        constants, carry, stacked = inputs[:fixed], inputs[fixed:][:carried], inputs[fixed + carried :]
        collected = []
        for turn in reversed(range(turns)) if eqn.params["reverse"] else range(turns):
            pieces = [_piece(value, turn, turns) for value in stacked]
            inside = self._entered(frames, "")
            results = self.through(body, [*constants, *carry, *pieces], inside)
            carry = results[:carried]
            collected.append(results[carried:])
        columns = zip(*collected, strict=True)
        outs = eqn.outvars[carried:]
        return [*carry, *(self._stack(out, values, frames) for out, values in zip(outs, columns, strict=bool(turns)))]

    def _stack(self, out, turns: Sequence[Value], frames: Frames) -> Value:
        """What a scan collects: the values of all turns along a new first axis."""
        weights = frozenset().union(*(value.weights for value in turns))
        data = [value.data for value in turns if value.data is not None]
        if not data:
            return Value(weights=weights)
        shape = tuple(out.aval.shape)
        moved = tuple(Read(axis) for axis in range(1, len(shape)))
        operation = Operation(
            name="stack",
            inputs=tuple(data),
            reads=(moved,) * len(data),
            output=self.values,
            shape=shape,
            itemsize=out.aval.dtype.itemsize,
            frames=frames,
            weights=weights,
        )
        self.operations.append(operation)
        self.values += 1
        return Value(data=operation.output)

    def _dearest(self, branches, inputs: list[Value], frames: Frames) -> None:
        """Note the branch of a `cond` with the most multiply-adds: which one runs depends on the image."""
        attempts = []
        for branch in branches:
            attempt = _Walk(values=self.values, entered=self.entered)
            attempt.through(_opened(branch), inputs, frames)
            attempts.append(attempt)
        dearest = max(attempts, key=lambda attempt: sum(op.macs or 0 for op in attempt.operations))
        self.operations += dearest.operations
        self.values, self.entered = dearest.values, dearest.entered


def _piece(value: Value, turn: int, turns: int) -> Value:
    cut = (replace(weight, size=weight.size // turns, index=turn) for weight in value.weights)
    return replace(value, weights=frozenset(cut))


def _opened(jaxpr):
    """A jaxpr without its constants, closed or not."""
    return getattr(jaxpr, "jaxpr", jaxpr)


def _function_name(jaxpr) -> str:
    return getattr(getattr(jaxpr, "debug_info", None), "func_name", "")


def xla_flops(operation: Operation) -> float | None:
    """What XLA's cost analysis says of one operation, lowered alone and not run."""
    eqn = operation.compute
    if eqn is None:
        return 0.0
    arguments = [jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in eqn.invars]
    lowered = jax.jit(lambda *args: eqn.primitive.bind(*args, **eqn.params)).lower(*arguments)
    analysis = lowered.cost_analysis() or {}
    return analysis.get("flops")
