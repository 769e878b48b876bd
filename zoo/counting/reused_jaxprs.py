"""Module calls of a jaxpr that JAX traced once and uses again, as `nn.jit` does for modules that are alike.

The marks in it are those of the first module. Its variables tell which module it is used for now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from zoo.counting.graph import ModuleCall, Variable

Path = tuple[str, ...]


class HasVariables(Protocol):
    """A traced value."""

    @property
    def variables(self) -> frozenset[Variable]:
        """The variables that it is computed from."""


@dataclass(frozen=True)
class Renaming:
    """The path of the module that was traced, and that of the module in its place; () and () for the same module."""

    traced: Path = ()
    now: Path = ()

    def path(self, path: Path) -> Path:
        """The path now of a module inside the one that was traced."""
        inside = path[: len(self.traced)] == self.traced
        return (*self.now, *path[len(self.traced) :]) if inside else path


UNCHANGED = Renaming()


@dataclass
class ModuleCalls:
    """The module calls of a network, to which those of reused jaxprs are added."""

    calls: list[ModuleCall]
    first_inputs: dict[int, Sequence[HasVariables]] = field(default_factory=dict)
    added: dict[tuple[int, Renaming], int] = field(default_factory=dict)

    def renaming(self, jaxpr: object, inputs: Sequence[HasVariables], outer: Renaming) -> Renaming:
        """The renaming inside a jaxpr with these inputs; `outer` is that of the jaxpr around it."""
        first = self.first_inputs.setdefault(id(jaxpr), inputs)
        for traced, now in zip(first, inputs, strict=True):
            if len(traced.variables) == len(now.variables) == 1:
                (before,), (after,) = traced.variables, now.variables
                if before.path != after.path:
                    return _without_common_end(before.path, after.path)
        return outer

    def number(self, call: int, renaming: Renaming) -> int:
        """The number of a module call under a renaming."""
        path = renaming.path(self.calls[call].path)
        if path == self.calls[call].path:
            return call
        if (call, renaming) not in self.added:
            self.added[call, renaming] = len(self.calls)
            self.calls.append(replace(self.calls[call], path=path))
        return self.added[call, renaming]


def _without_common_end(traced: Path, now: Path) -> Renaming:
    while traced and now and traced[-1] == now[-1]:
        traced, now = traced[:-1], now[:-1]
    return Renaming(traced, now)
