"""From a Flax module to a `Graph`, by reading the jaxpr of a call.

During tracing every module call puts its number on the name stack (`module_calls`); the name stack of an equation then
says which module it belongs to. `equations` says which private interfaces of JAX this leans on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import flax.linen as nn
import jax
from jax.extend.core import Literal

from zoo.counting import constants, index_maps
from zoo.counting.equations import CALL_PRIMITIVES, TracedValue, function_name, open_jaxpr, primitive_call
from zoo.counting.graph import Frames, FunctionCall, Graph, IndexMap, Operation, Variable
from zoo.counting.marks import LayerMark, ModuleCallMark
from zoo.counting.module_calls import trace_call
from zoo.counting.primitive_index_maps import index_map
from zoo.counting.primitives import PATCHES, PrimitiveCall, PrimitiveCost, primitive_cost
from zoo.counting.reused_jaxprs import UNCHANGED, ModuleCalls, Renaming


def trace(model: nn.Module, example: jax.ShapeDtypeStruct, keywords: Mapping[str, Any], variables: Any) -> Graph:
    """The operations of a call of the model with `example` and `keywords`; `variables` are shapes."""
    traced = trace_call(model, example, keywords, variables)
    leaves = tuple(_variable(path, leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(variables)[0])
    reader = _JaxprReader(ModuleCalls(list(traced.module_calls)))
    inputs = [
        TracedValue(variables=frozenset([leaf]), known=constants.variable(like.shape, like.dtype))
        for leaf, like in zip(leaves, jax.tree.leaves(variables), strict=True)
    ]
    inputs.append(TracedValue(data=0))
    results = reader.read(traced.jaxpr, inputs, frames=())
    return Graph(
        operations=tuple(reader.operations),
        calls=tuple(reader.module_calls.calls),
        variables=leaves,
        input_shape=tuple(example.shape),
        outputs=frozenset(value.data for value in results if value.data is not None) | reader.results,
        is_first_call=traced.is_first_call,
    )


def _variable(path: tuple, leaf: Any) -> Variable:
    collection, *names = (str(getattr(key, "key", key)) for key in path)
    return Variable(collection, tuple(names), leaf.size)


def _public_name(name: str) -> str:
    """The name of a public function; "" for lambdas and private functions."""
    return "" if name.startswith("_") or "<" in name else name


@dataclass
class _JaxprReader:
    """Collects the operations of a jaxpr. `values` and `entered` count the values and the functions so far.

    `results` are those of the branches that were read. `renaming` is that of the reused jaxpr that is being read.
    """

    module_calls: ModuleCalls
    operations: list[Operation] = field(default_factory=list)
    values: int = 1
    entered: int = 0
    results: set[int] = field(default_factory=set)
    renaming: Renaming = UNCHANGED

    def read(self, jaxpr: Any, inputs: Sequence[TracedValue], frames: Frames) -> list[TracedValue]:
        """Collect the operations of a jaxpr, closed or not, with these arguments; returns its results."""
        values = getattr(jaxpr, "consts", ())
        jaxpr = open_jaxpr(jaxpr)
        known = dict(zip(jaxpr.invars, inputs, strict=True))
        known |= {
            atom: TracedValue(known=constants.literal(constant))
            for atom, constant in zip(jaxpr.constvars, values, strict=False)
        }

        def value(atom: Any) -> TracedValue:
            if isinstance(atom, Literal):
                return TracedValue(known=constants.literal(atom.val))
            return known.get(atom, TracedValue())

        for eqn in jaxpr.eqns:
            stack = eqn.source_info.name_stack.stack
            inside = (*frames, *(self._frame(level.name) for level in stack if type(level).__name__ == "Scope"))
            results = self._equation(eqn, [value(atom) for atom in eqn.invars], inside)
            known.update(zip(eqn.outvars, results, strict=True))
        return [value(atom) for atom in jaxpr.outvars]

    def _equation(self, eqn: Any, inputs: list[TracedValue], frames: Frames) -> list[TracedValue]:
        name = eqn.primitive.name
        depends_on_input = any(value.data is not None for value in inputs)
        if name == "scan":
            return self._scan(eqn, inputs, frames)
        if name in CALL_PRIMITIVES:
            inner = eqn.params[CALL_PRIMITIVES[name]]
            called = eqn.params["name"] if name in ("jit", "pjit", "composite") else function_name(open_jaxpr(inner))
            outer = self.renaming
            self.renaming = self.module_calls.renaming(open_jaxpr(inner), inputs, outer)
            results = self.read(inner, inputs, self._enter(frames, called))
            self.renaming = outer
            return results
        variables = frozenset().union(*(value.variables for value in inputs))
        if not depends_on_input and not variables:
            return [TracedValue(known=known) for known in constants.computed(eqn, [value.known for value in inputs])]
        if name == "cond" and eqn.params.get("branches_platforms"):
            # lax.platform_dependent: the branches compute the same, and the last (default) is the plainest.
            return self.read(eqn.params["branches"][-1], inputs[1:], frames)
        chosen = inputs[0].known.constant_value() if name == "cond" and inputs[0].known is not None else None
        if chosen is not None:
            branches = eqn.params["branches"]
            return self.read(branches[min(max(int(chosen), 0), len(branches) - 1)], inputs[1:], frames)
        call = primitive_call(eqn, inputs)
        cost = primitive_cost(call)
        if name == "cond" and self._most_expensive_branch(eqn.params["branches"], inputs[1:], frames):
            cost = PrimitiveCost()
        of_a_constant = cost.kernel_positions and not all(call.is_weight[:2])
        if depends_on_input or of_a_constant:  # As a layer of the zeros that a recurrent network begins with.
            return self._operations(eqn, call, cost, inputs, frames)
        if cost.macs != 0:
            # Computed from variables only, as a kernel that is a product of two: an operation without inputs.
            self._operations(eqn, call, cost, [], frames)
        knowns = constants.computed(eqn, [value.known for value in inputs])
        return [TracedValue(variables=variables, known=known) for known in knowns]

    def _frame(self, scope: str) -> int | FunctionCall:
        """A level of the name stack: a module call if it is one of our marks, else a function."""
        if isinstance(scope, ModuleCallMark):
            return self.module_calls.number(scope.number, self.renaming)
        # A record has the name alone: a mark cannot be copied.
        return FunctionCall(_public_name(str(scope)), is_layer=isinstance(scope, LayerMark))

    def _enter(self, frames: Frames, name: str) -> Frames:
        self.entered += 1
        return (*frames, FunctionCall(_public_name(name), self.entered))

    def _operations(
        self, eqn: Any, call: PrimitiveCall, cost: PrimitiveCost, inputs: list[TracedValue], frames: Frames
    ) -> list[TracedValue]:
        """One `Operation` per output; the first has the cost."""
        variables = frozenset().union(*(value.variables for value in inputs))
        data = [(i, value.data) for i, value in enumerate(inputs) if value.data is not None]
        for number, out in enumerate(eqn.outvars):
            operation = Operation(
                name=PATCHES if call.caller == PATCHES else call.name,
                inputs=tuple(value for _, value in data),
                index_maps=tuple(index_map(call, i, number) for i, _ in data),
                output=self.values + number,
                shape=call.outputs[number],
                itemsize=getattr(getattr(out.aval, "dtype", None), "itemsize", 0),
                frames=frames,
                variables=variables,
                window=cost.window,
                macs=cost.macs if number == 0 else 0,
                kernel_positions=cost.kernel_positions,
                equation=eqn if number == 0 else None,
            )
            self.operations.append(operation)
        self.values += len(eqn.outvars)
        return [TracedValue(data=self.values - len(eqn.outvars) + number) for number in range(len(eqn.outvars))]

    def _scan(self, eqn: Any, inputs: list[TracedValue], frames: Frames) -> list[TracedValue]:
        """A scan as its iterations, one after the other: layers stacked by `nn.scan` are layers like any other."""
        closed, length = eqn.params["jaxpr"], eqn.params["length"]
        body = open_jaxpr(closed)
        # JAX's versions describe constants, carry and scanned arrays differently. What is scanned over or collected
        # has one more axis outside of the body.
        carried = sum(out.aval.ndim == inner.aval.ndim for out, inner in zip(eqn.outvars, body.outvars, strict=True))
        scanned = sum(atom.aval.ndim > inner.aval.ndim for atom, inner in zip(eqn.invars, body.invars, strict=True))
        fixed = len(inputs) - carried - scanned
        shared, carry, stacked = inputs[:fixed], inputs[fixed:][:carried], inputs[fixed + carried :]
        order = range(length)[::-1] if eqn.params["reverse"] else range(length)
        collected: dict[int, list[TracedValue]] = {}
        for i in order:
            avals = [atom.aval for atom in eqn.invars[fixed + carried :]]
            slices = [self._slice(value, aval, i, frames) for value, aval in zip(stacked, avals, strict=True)]
            results = self.read(closed, [*shared, *carry, *slices], self._enter(frames, ""))
            carry = results[:carried]
            collected[i] = results[carried:]
        outs = eqn.outvars[carried:]
        columns = zip(*(collected[i] for i in range(length)), strict=True) if length else [()] * len(outs)
        return [*carry, *(self._stack(out, values, frames) for out, values in zip(outs, columns, strict=True))]

    def _slice(self, value: TracedValue, aval: Any, index: int, frames: Frames) -> TracedValue:
        """The part of a stacked array that iteration `index` of a scan gets."""
        length, *shape = aval.shape
        parts = frozenset(
            replace(part, size=part.size // length, index=(*part.index, index)) for part in value.variables
        )
        if value.data is None:
            return TracedValue(variables=parts, known=value.known and constants.item(value.known, index))
        index_map = index_maps.item(len(shape) + 1, 0, index)
        return self._movement("scan_slice", [value.data], [index_map], tuple(shape), aval, frames, parts)

    def _stack(self, out: Any, iterations: Sequence[TracedValue], frames: Frames) -> TracedValue:
        """An output that a scan collects: the values of all iterations along a new first axis."""
        variables = frozenset().union(*(value.variables for value in iterations))
        data = {i: value.data for i, value in enumerate(iterations) if value.data is not None}
        if not data:
            return TracedValue(variables=variables, known=constants.stack([value.known for value in iterations]))
        shape = tuple(out.aval.shape)
        stacked = [index_maps.stacked(shape[1:], 0, i, len(iterations)) for i in data]
        return self._movement("stack", list(data.values()), stacked, shape, out.aval, frames, variables)

    def _movement(
        self,
        name: str,
        inputs: Sequence[int],
        maps: Sequence[IndexMap],
        shape: tuple[int, ...],
        aval: Any,
        frames: Frames,
        variables: frozenset[Variable],
    ) -> TracedValue:
        """An operation of a scan's own, which only moves values."""
        self.operations.append(
            Operation(name, tuple(inputs), tuple(maps), self.values, shape, aval.dtype.itemsize, frames, variables)
        )
        self.values += 1
        return TracedValue(data=self.values - 1)

    def _most_expensive_branch(self, branches: Sequence[Any], inputs: list[TracedValue], frames: Frames) -> bool:
        """Collect the branch of a `cond` with the most multiply-adds: which one runs depends on the image.

        Returns whether all branches have equally many, so that their number is known.
        """
        readers, results = [], []
        for branch in branches:
            reader = _JaxprReader(self.module_calls, values=self.values, entered=self.entered, renaming=self.renaming)
            results.append(reader.read(branch, inputs, frames))
            readers.append(reader)
        macs = [sum(op.macs or 0 for op in reader.operations) for reader in readers]
        most_expensive = max(range(len(readers)), key=lambda i: (macs[i], len(readers[i].operations)))
        expensive = readers[most_expensive]
        self.operations += expensive.operations
        self.results |= expensive.results | {value.data for value in results[most_expensive] if value.data is not None}
        self.values, self.entered = expensive.values, expensive.entered
        return len(set(macs)) == 1 and all(op.macs is not None for reader in readers for op in reader.operations)
