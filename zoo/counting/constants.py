"""Values of a network that do not depend on its input: constants, variables, and what is computed from these alone.

They are computed only where a receptive field depends on them, as on the indices of a gather, the weights of a resize
or the zeros of a masked kernel, and only if they are small. Variables have no values here: random numbers above 0 stand
for them, since all that matters is which of the results are zero.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np

from zoo.counting import numpy_primitives
from zoo.counting.primitive_names import ELEMENTWISE, REDUCTIONS

LARGEST = 1 << 22  # values in an array that is computed
# Operations that make no zeros from values without zeros, beside the elementwise ones.
KEEP_DENSE = REDUCTIONS | frozenset(
    """
    broadcast_in_dim concatenate conv_general_dilated dot_general reduce_window_sum reshape rev slice split squeeze
    transpose
    """.split()  # noqa: SIM905 (as a list: one line per word)
)
MAKE_ZEROS = frozenset(
    """
    and ceil clz eq eq_to floor ge gt is_finite le le_to lt lt_to ne not or population_count rem round select_n
    shift_left shift_right_arithmetic shift_right_logical xor
    """.split()  # noqa: SIM905 (as a list: one line per word)
)


@dataclass(eq=False)
class Computation:
    """What computes one or more values: `run` gets the values of the inputs. `results` are kept once computed.

    `constant`: computed from constants alone. `dense`: without zeros, whatever the values of the variables.
    """

    run: Callable[..., Sequence[Any]]
    inputs: Sequence["Known"]
    shapes: Sequence[Sequence[int]]
    constant: bool
    dense: bool
    results: Sequence[Any] | None = field(default=None, repr=False)

    def result(self, number: int) -> Any:
        """One of the results; None if it is not computed."""
        return None if self.results is None else self.results[number]


@dataclass(frozen=True, eq=False)
class Known:
    """One result of a computation."""

    computation: Computation
    number: int = 0

    @property
    def is_dense(self) -> bool:
        """Whether it has no zeros, whatever the values of the variables."""
        return self.computation.dense

    @property
    def is_constant(self) -> bool:
        """Whether it is computed from constants alone."""
        return self.computation.constant

    def constant_value(self) -> np.ndarray | None:
        """The value, None if it depends on variables or is too large."""
        return self._value() if self.computation.constant else None

    def nonzero(self) -> np.ndarray | None:
        """Which values are not zero, for variables in general; None if it is too large. Rounding errors are zero."""
        value = self._value()
        if value is None or (not self.is_constant and not np.any(value)):
            return None  # All zeros are a sign of variables that only stand in.
        if not np.issubdtype(value.dtype, np.floating):
            return value != 0
        size = np.abs(value)
        return size > 16 * np.finfo(value.dtype).eps * np.max(size, initial=0.0)

    def _value(self) -> np.ndarray | None:
        pending = [self.computation]
        while pending:
            computation = pending[-1]
            missing = [known.computation for known in computation.inputs if known.computation.results is None]
            if computation.results is None and missing:
                pending += missing
                continue
            if computation.results is None:
                computation.results = _results(computation)
            pending.pop()
        value = self.computation.result(self.number)
        if value is None:
            return None
        array = np.asarray(value)
        # bfloat16 and the like are no floating-point types to NumPy.
        return array.astype(np.float32) if array.dtype.kind == "V" else array


def literal(value: Any) -> Known:
    """A constant."""
    shape = np.shape(value)
    dense = isinstance(value, (int, float, np.generic, np.ndarray)) and not shape and bool(value != 0)
    return Known(Computation(lambda: [value], (), [shape], constant=True, dense=dense))


def variable(shape: Sequence[int], dtype: Any) -> Known:
    """A variable of the network."""

    def stand_in() -> list[Any]:
        return [np.random.default_rng(0).uniform(1, 2, shape).astype(dtype)]

    return Known(Computation(stand_in, (), [shape], constant=False, dense=True))


def computed(eqn: Any, inputs: Sequence[Known | None]) -> list[Known | None]:
    """The results of an equation of a jaxpr; None for each if an input is unknown, such as a random key."""
    known, name = [value for value in inputs if value is not None], eqn.primitive.name
    if len(known) < len(inputs) or name.startswith(("random_", "rng_", "threefry")):
        return [None] * len(eqn.outvars)
    computation = Computation(
        run=partial(run_equation, eqn),
        inputs=known,
        shapes=[tuple(getattr(out.aval, "shape", ())) for out in eqn.outvars],
        constant=all(value.computation.constant for value in known),
        dense=name in (ELEMENTWISE - MAKE_ZEROS) | KEEP_DENSE and all(value.is_dense for value in known),
    )
    return [Known(computation, number) for number in range(len(eqn.outvars))]


def item(stacked: Known, index: int) -> Known:
    """Row `index` of a value."""
    shape = stacked.computation.shapes[stacked.number][1:]
    return Known(_derived(lambda value: [value[index]], [stacked], shape))


def stack(rows: Sequence[Known | None]) -> Known | None:
    """All values as rows of one; None if one of them is unknown."""
    values = [row for row in rows if row is not None]
    if not values or len(values) < len(rows):
        return None
    shape = (len(values), *values[0].computation.shapes[values[0].number])
    return Known(_derived(lambda *rows: [np.stack(rows)], values, shape))


def _derived(run: Callable[..., Sequence[Any]], inputs: Sequence[Known], shape: Sequence[int]) -> Computation:
    constant = all(value.computation.constant for value in inputs)
    return Computation(run, inputs, [shape], constant, dense=all(value.is_dense for value in inputs))


def _results(computation: Computation) -> Sequence[Any]:
    unknown = [None] * len(computation.shapes)
    arguments = [known.computation.result(known.number) for known in computation.inputs]
    if any(value is None for value in arguments) or any(math.prod(shape) > LARGEST for shape in computation.shapes):
        return unknown
    try:
        return computation.run(*arguments)
    except Exception:
        # Whatever an operation raises outside of its network (a mesh, a device): the value is unknown.
        return unknown


def run_equation(eqn: Any, *arguments: Any) -> Sequence[Any]:
    """The results of an equation, by NumPy if it can, else by JAX."""
    dtype = getattr(eqn.outvars[0].aval, "dtype", None)
    result = numpy_primitives.run(eqn.primitive.name, eqn.params, arguments, dtype) if len(eqn.outvars) == 1 else None
    if result is not None:
        return [result]
    with jax.ensure_compile_time_eval():
        results = eqn.primitive.bind(*arguments, **eqn.params)
    return results if eqn.primitive.multiple_results else [results]
