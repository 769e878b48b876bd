"""Which batch norms and dropouts of a network compute as in inference, though it is trained."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import flax.linen as nn

# The field or argument of a layer that is true in inference.
IN_INFERENCE: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.BatchNorm, "use_running_average"),
    (nn.Dropout, "deterministic"),
)


def noting_modes(modes: dict[str, bool]) -> AbstractContextManager:
    """Within this context `modes` gets, by its path, whether each layer that is called computes as in inference.

    One that is called several times does so if all its calls do. A dropout of rate 0 is none.
    """

    def note(call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        module, path = context.module, "/".join(context.module.path)
        for kind, name in IN_INFERENCE:
            if isinstance(module, kind) and context.method_name == "__call__" and getattr(module, "rate", True):
                given = kwargs.get(name, args[1] if len(args) > 1 else None)
                in_inference = bool(getattr(module, name) if given is None else given)
                modes[path] = in_inference and modes.get(path, True)
        return call(*args, **kwargs)

    return nn.intercept_methods(note)
