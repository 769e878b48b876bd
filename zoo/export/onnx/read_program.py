"""From a JAX function to its `Program`: traced for each shape of its images, and the traces read side by side."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal

from zoo.counting.constants import run_equation
from zoo.counting.equations import CALL_PRIMITIVES, open_jaxpr
from zoo.counting.graph import Variable
from zoo.counting.marks import LayerMark, ModuleCallMark
from zoo.counting.module_calls import marked_jaxpr
from zoo.counting.reused_jaxprs import UNCHANGED, ModuleCalls, Renaming
from zoo.export.needed_computation import without_unused
from zoo.export.onnx.default_platform import on_default_platform
from zoo.export.onnx.program import Constant, Data, NoConversion, Path, Program, Step, Value


def read_program(
    function: Callable[[Any, jax.Array], Mapping[str, jax.Array]],
    variables: Any,
    examples: Sequence[jax.ShapeDtypeStruct],
) -> Program:
    """The steps of function(variables, images) for images as each of the `examples`, whose free dimensions differ.

    Raises NoConversion where the computation itself depends on a free dimension, or on random numbers.
    """
    traced = [marked_jaxpr(function, variables, example) for example in examples]
    (_, calls), *_ = traced
    leaves = [
        Constant((_as_traced(leaf),) * len(examples), frozenset([_variable(path, leaf)]))
        for path, leaf in jax.tree_util.tree_flatten_with_path(variables)[0]
    ]
    images = Data(tuple(example.shape for example in examples), np.dtype(examples[0].dtype))
    reader = _Reader(ModuleCalls(list(calls)))
    results = reader.read([without_unused(closed) for closed, _ in traced], [*leaves, images])
    names = sorted(jax.eval_shape(function, variables, examples[0]))  # The order in which JAX flattens a dictionary.
    return Program(images, _needed(reader.steps, results), dict(zip(names, results, strict=True)))


def _needed(steps: Sequence[Step], results: Sequence[Value]) -> tuple[Step, ...]:
    """The steps that the results need. Calls can have more, as that of a module in which features are made."""
    used, kept = set(results), []
    for step in reversed(steps):
        if used.intersection(step.outputs):
            kept.append(step)
            used.update(step.inputs)
    return tuple(reversed(kept))


def _as_traced(leaf: Any) -> np.ndarray:
    """The array in the type that it has under JAX, which has no float64 by default."""
    array = np.asarray(leaf)
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)


def _variable(path: tuple, leaf: Any) -> Variable:
    collection, *names = (str(getattr(key, "key", key)) for key in path)
    return Variable(collection, tuple(names), np.size(leaf))


@dataclass
class _Reader:
    """Collects the steps. `renaming` is that of the reused jaxpr that is being read, `path` that of its module."""

    module_calls: ModuleCalls
    steps: list[Step] = field(default_factory=list)
    renaming: Renaming = UNCHANGED

    def read(
        self, jaxprs: Sequence[Any], inputs: Sequence[Value], path: Path = (), layer: LayerMark | None = None
    ) -> list[Value]:
        """Collect the steps of a jaxpr, closed or not, of each trace, with these arguments; returns its results."""
        opened = [on_default_platform(open_jaxpr(jaxpr)) for jaxpr in jaxprs]
        known = _Environment(tuple({} for _ in jaxprs))
        known.define([jaxpr.invars for jaxpr in opened], inputs)
        constants = zip(*(getattr(jaxpr, "consts", ()) for jaxpr in jaxprs), strict=True)
        known.define([jaxpr.constvars for jaxpr in opened], [Constant(tuple(map(_array, one))) for one in constants])
        for eqns in zip_longest(*(jaxpr.eqns for jaxpr in opened)):
            # The numbers of module calls are those of the first trace.
            place = self._place(eqns[0], path, layer) if eqns[0] else (path, layer)
            if len({eqn and eqn.primitive.name for eqn in eqns}) > 1:
                raise _differs(place[0])
            operands = known.values([eqn.invars for eqn in eqns], path)
            known.define([eqn.outvars for eqn in eqns], self._equation(eqns, operands, *place))
        return known.values([jaxpr.outvars for jaxpr in opened], path)

    def _place(self, eqn: Any, path: Path, layer: LayerMark | None) -> tuple[Path, LayerMark | None]:
        """The module and the layer of zoo's that an equation belongs to, inside of these."""
        for level in eqn.source_info.name_stack.stack:
            scope = getattr(level, "name", None)
            if isinstance(scope, ModuleCallMark):
                number = self.module_calls.number(scope.number, self.renaming)
                path, layer = self.module_calls.calls[number].path, None
            elif isinstance(scope, LayerMark):
                layer = scope
        return path, layer

    def _equation(
        self, eqns: Sequence[Any], inputs: list[Value], path: Path, layer: LayerMark | None
    ) -> Sequence[Value]:
        eqn, name = eqns[0], eqns[0].primitive.name
        if name in CALL_PRIMITIVES:
            inner = [eqn.params[CALL_PRIMITIVES[name]] for eqn in eqns]
            outer = self.renaming
            self.renaming = self.module_calls.renaming(open_jaxpr(inner[0]), list(map(_Traced, inputs)), outer)
            results = self.read(inner, inputs, path, layer)
            self.renaming = outer
            return results
        if name == "cond" and (branch := _chosen_branch(eqn, inputs[0])) is not None:
            return self.read([eqn.params["branches"][branch] for eqn in eqns], inputs[1:], path, layer)
        if all(isinstance(value, Constant) for value in inputs):
            return _computed(eqns, inputs)  # type: ignore[arg-type]
        if name == "scan":
            return self._scan(eqns, inputs, path)
        outputs = tuple(
            Data(tuple(out.aval.shape for out in outs), np.dtype(outs[0].aval.dtype))
            for outs in zip(*(eqn.outvars for eqn in eqns), strict=True)
        )
        if all(math.prod(shape) == 0 for output in outputs for shape in output.shapes):
            # Without values there is nothing to compute, and most nodes of ONNX refuse it.
            return [Constant(tuple(np.zeros(shape, output.dtype) for shape in output.shapes)) for output in outputs]
        self.steps.append(Step(name, tuple(eqn.params for eqn in eqns), tuple(inputs), outputs, path, layer))
        return outputs

    def _scan(self, eqns: Sequence[Any], inputs: list[Value], path: Path) -> list[Value]:
        """A scan as its iterations, one after the other: layers stacked by `nn.scan` are layers like any other."""
        eqn, closed = eqns[0], [eqn.params["jaxpr"] for eqn in eqns]
        if len({eqn.params["length"] for eqn in eqns}) > 1:
            raise _differs(path)
        length, body = eqn.params["length"], open_jaxpr(closed[0])
        # What is scanned over or collected has one more axis outside of the body.
        carried = sum(out.aval.ndim == inner.aval.ndim for out, inner in zip(eqn.outvars, body.outvars, strict=True))
        scanned = sum(atom.aval.ndim > inner.aval.ndim for atom, inner in zip(eqn.invars, body.invars, strict=True))
        fixed = len(inputs) - carried - scanned
        shared, carry, stacked = inputs[:fixed], inputs[fixed:][:carried], inputs[fixed + carried :]
        collected: dict[int, Sequence[Value]] = {}
        for i in reversed(range(length)) if eqn.params["reverse"] else range(length):
            results = self.read(closed, [*shared, *carry, *(self._item(one, i, path) for one in stacked)], path)
            carry, collected[i] = results[:carried], results[carried:]
        columns = zip(*(collected[i] for i in range(length)), strict=True) if length else ()
        return [*carry, *(self._stack(values, path) for values in columns)]

    def _item(self, stacked: Value, index: int, path: Path) -> Value:
        if isinstance(stacked, Constant):
            return Constant(tuple(array[index] for array in stacked.arrays), stacked.variables)
        shapes = stacked.shapes
        bounds = [
            {"start_indices": (index, *(0,) * len(shape[1:])), "limit_indices": (index + 1, *shape[1:])}
            for shape in shapes
        ]
        part = Data(tuple((1, *shape[1:]) for shape in shapes), stacked.dtype)
        self.steps.append(Step("slice", tuple({**b, "strides": None} for b in bounds), (stacked,), (part,), path))
        item = Data(tuple(shape[1:] for shape in shapes), stacked.dtype)
        self.steps.append(Step("squeeze", ({"dimensions": (0,)},) * len(shapes), (part,), (item,), path))
        return item

    def _stack(self, values: Sequence[Value], path: Path) -> Value:
        if all(isinstance(value, Constant) for value in values):
            arrays = zip(*(value.arrays for value in values), strict=True)  # type: ignore[union-attr]
            return Constant(tuple(np.stack(parts) for parts in arrays))
        result = Data(tuple((len(values), *shape) for shape in values[0].shapes), values[0].dtype)
        self.steps.append(Step("stack", ({"axis": 0},) * len(result.shapes), tuple(values), (result,), path))
        return result


@dataclass(frozen=True)
class _Environment:
    """The value of each variable of the jaxprs that are read side by side; one dictionary for each trace."""

    known: tuple[dict[Any, Value], ...]

    def define(self, variables: Sequence[Sequence[Any]], values: Sequence[Value]) -> None:
        """Note the values of these variables, a list of them for each trace."""
        for environment, names in zip(self.known, variables, strict=True):
            environment.update(zip(names, values, strict=True))

    def values(self, atoms: Sequence[Sequence[Any]], path: Path) -> list[Value]:
        """The values of variables and literals, a list of them for each trace: the same value in all traces."""
        return [self._value(one, path) for one in zip(*atoms, strict=True)]

    def _value(self, atoms: Sequence[Any], path: Path) -> Value:
        if all(isinstance(atom, Literal) for atom in atoms):
            return Constant(tuple(np.asarray(atom.val, atom.aval.dtype) for atom in atoms))
        if any(isinstance(atom, Literal) for atom in atoms):
            raise _differs(path)
        first, *others = [environment[atom] for environment, atom in zip(self.known, atoms, strict=True)]
        if any(other is not first for other in others):
            raise _differs(path)
        return first


def _differs(path: Path) -> NoConversion:
    return NoConversion(
        f"{'/'.join(path) or 'the network'} computes something else for another batch or image size: export it with "
        "these fixed"
    )


@dataclass(frozen=True)
class _Traced:
    """What `ModuleCalls` asks of an argument: the variables that it is computed from."""

    value: Value

    @property
    def variables(self) -> frozenset[Variable]:
        return self.value.variables if isinstance(self.value, Constant) else frozenset()


def _chosen_branch(eqn: Any, index: Value) -> int | None:
    """The branch of a `cond` that runs, if its index is constant."""
    branches = eqn.params["branches"]
    if not isinstance(index, Constant):
        return None
    return min(max(int(index.arrays[0]), 0), len(branches) - 1)


def _computed(eqns: Sequence[Any], inputs: Sequence[Constant]) -> list[Constant]:
    """The results of an equation whose inputs are constants. Traces with the same inputs share them."""
    results: list[Sequence[Any]] = []
    for trace, eqn in enumerate(eqns):
        arguments = [value.arrays[trace] for value in inputs]
        same = [one is first for one, first in zip(arguments, (value.arrays[0] for value in inputs), strict=True)]
        if trace and all(same) and _comparable(eqn.params) == _comparable(eqns[0].params):
            results.append(results[0])
        else:
            results.append([_array(value) for value in run_equation(eqn, *arguments)])
    variables = frozenset().union(*(value.variables for value in inputs))
    return [Constant(arrays, variables) for arrays in zip(*results, strict=True)]


def _comparable(params: Mapping[str, Any]) -> str:
    return str(params)


def _array(value: Any) -> Any:
    """An array of NumPy's; random keys are none."""
    return value if jax.dtypes.issubdtype(getattr(value, "dtype", None), jax.dtypes.extended) else np.asarray(value)
