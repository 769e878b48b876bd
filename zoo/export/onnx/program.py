"""A traced function as a list of steps: JAX's primitives, without calls, loops of known length and constant arithmetic.

A function is traced for one or more shapes of its images, whose free dimensions differ: each step has the parameters
and shapes of all traces. `read_program` makes the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.counting.graph import Variable
from zoo.counting.marks import LayerMark
from zoo.errors import ZooError

Path = tuple[str, ...]
# For what has no form in ONNX at all.
ADVICE = "export it as StableHLO, or the features of layers before it"
Shape = tuple[int, ...]


class NoConversion(ZooError):
    """Something that has no ONNX form, or none for a free dimension. The message names the layer."""


@dataclass(frozen=True, eq=False)
class Data:
    """An array that depends on the images: its shape in each trace, and its type."""

    shapes: tuple[Shape, ...]
    dtype: np.dtype


@dataclass(frozen=True, eq=False)
class Constant:
    """An array that does not depend on the images, in each trace; `variables` are those that it is computed from."""

    arrays: tuple[Any, ...]
    variables: frozenset[Variable] = frozenset()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Its shape in each trace."""
        return tuple(np.shape(array) for array in self.arrays)

    @property
    def dtype(self) -> np.dtype:
        """Its type."""
        return self.arrays[0].dtype


Value = Data | Constant


@dataclass(frozen=True, eq=False)
class Step:
    """A primitive with its parameters in each trace, of the module at `path`; `layer` marks a layer of zoo's."""

    primitive: str
    params: tuple[Mapping[str, Any], ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Data, ...]
    path: Path
    layer: LayerMark | None = None


@dataclass(frozen=True)
class Program:
    """The steps of a function in order, its images, and its outputs by name."""

    images: Data
    steps: tuple[Step, ...]
    outputs: Mapping[str, Value]
