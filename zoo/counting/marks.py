"""Private marks on JAX's name stack: which module call or layer of the zoo an operation belongs to.

A mark is known by its class, which stays with the scope as long as JAX traces, and not by its text: a user's scope of
the same name is no mark.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import jax

Function = TypeVar("Function", bound=Callable[..., Any])


class ModuleCallMark(str):
    """The scope of a module call; `number` is its index in `Graph.calls`."""

    number: int

    def __new__(cls, number: int) -> "ModuleCallMark":
        """The mark of call `number`."""
        mark = super().__new__(cls, f"zoo_call_{number}")
        mark.number = number
        return mark


class LayerMark(str):
    """The scope of a call of a function of the zoo that is one layer, whatever it is computed with.

    `settings` are the keyword arguments of the call.
    """

    settings: Mapping[str, Any]

    def __new__(cls, name: str, settings: Mapping[str, Any]) -> "LayerMark":
        """The mark of one call."""
        mark = super().__new__(cls, name)
        mark.settings = settings
        return mark


def one_layer(name: str) -> Callable[[Function], Function]:
    """A decorator: the function is one layer in `zoo.count`, called `name`, and has no convolutions or products."""

    def marked(function: Function) -> Function:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with jax.named_scope(LayerMark(name, kwargs)):
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return marked
