"""Activations of a network's layers, by name.

Outputs leave a network through Flax's collections only, never through a Python variable: so they are right inside of
`nn.remat` and `nn.jit` too. `nn.scan` and `nn.vmap` give a collection only where their `variable_axes` names it.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.errors import FlaxError, InvalidRngError, ModifyScopeVariableError
from flax.linen.module import InterceptorContext

from zoo.errors import ZooError, suggestion
from zoo.models.variables import Variables
from zoo.runtime.html_tables import html_facts
from zoo.runtime.kept_traces import new_trace_name

CAPTURED = "intermediates"  # Flax's collection of captured outputs


class Stacked(NamedTuple):
    """The outputs of all iterations of a `nn.scan`, or of all members of a `nn.vmap`, along an axis that these add."""

    outputs: Any


class Applied(NamedTuple):
    """A network's logits; the outputs of its modules by path, in the order in which they finish; other collections.

    An output is None where a transformation hides it, and `Stacked` where one has added an axis.
    """

    logits: Any
    outputs: OrderedDict[str, Any]
    collections: Mapping[str, Any]


@jax.tree_util.register_pytree_with_keys_class
class Activations(dict[str, Any]):
    """{name: activation}, a pytree like any dictionary, in the order of its names; a prompt shows shapes instead of
    numbers.
    """

    def tree_flatten_with_keys(self) -> tuple[list[tuple[jax.tree_util.DictKey, Any]], tuple[str, ...]]:
        """For JAX."""
        return [(jax.tree_util.DictKey(name), value) for name, value in self.items()], tuple(self)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], values: Iterable[Any]) -> "Activations":
        """For JAX."""
        return cls(zip(names, values, strict=True))

    def __repr__(self) -> str:
        return "\n".join(["Activations", *(f"  {name}: {shapes}" for name, shapes in self._shapes())])

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_facts("Activations", self._shapes())

    def _shapes(self) -> list[tuple[str, str]]:
        return [(name, ", ".join(map(_shape_text, jax.tree.leaves(value)))) for name, value in self.items()]


def _shape_text(value: Any) -> str:
    return f"{getattr(value, 'dtype', type(value).__name__)} {list(jnp.shape(value))}"


def features(model: nn.Module, variables: Variables, x: jax.Array, names: Sequence[str]) -> Activations:
    """{name: activation} of the submodules at `names`, paths such as "inception_3a" or "inception_3a/1x1".

    An activation is what the module returns when it is called the first time: an array, or a tuple of arrays. Of a
    module in a `nn.scan` or `nn.vmap` whose `variable_axes` has "intermediates", it is of all iterations at once;
    without that it is hidden. Raises ZooError for a name that the network does not have, or whose output is hidden by
    such a transformation, and for images or variables that do not fit the network.
    """
    names = tuple(names)
    with network_errors(model, x):
        jax.eval_shape(lambda variables, x: logits_and_outputs(model, variables, x, names), variables, x)
    outputs = logits_and_outputs(model, variables, x, names)[1]
    return Activations(
        (name, output.outputs if isinstance(output, Stacked) else output) for name, output in outputs.items()
    )


@contextmanager
def network_errors(model: nn.Module, images: Any) -> Iterator[None]:
    """Converts the errors of Flax and JAX for a network, variables and images that do not fit into a ZooError."""
    try:
        yield
    except ZooError:
        raise
    except (ModifyScopeVariableError, InvalidRngError) as error:
        raise ZooError(
            f"{type(model).__name__} computes as in training where it is given images alone ({_first_line(error)}): "
            "make inference its default"
        ) from error
    except (FlaxError, TypeError, ValueError) as error:
        raise ZooError(
            f"{type(model).__name__} with these variables cannot take images of shape {tuple(jnp.shape(images))}: "
            f"{_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    """The message without its further paragraphs and Flax's link to its documentation."""
    return " ".join(str(error).split("\n\n")[0].partition(" (https://")[0].split())


def logits_and_outputs(
    model: nn.Module, variables: Variables, x: jax.Array, names: Sequence[str]
) -> tuple[jax.Array, dict[str, Any]]:
    """The logits, and {name: output of its first call}. "" is the network itself. Raises ZooError as `features`."""
    applied = apply_and_capture(model, variables, x, names)
    for name in names:
        if name not in applied.outputs:
            raise unknown_layer(model, name, applied.outputs)
        if applied.outputs[name] is None:
            raise hidden_layer(model, name)
    return applied.logits, {name: applied.outputs[name] for name in names}


def unknown_layer(model: nn.Module, layer: str, known: Iterable[str]) -> ZooError:
    """The error for a layer that the network has not, with similar names, or some of those that it has."""
    names = [name for name in known if name]
    some = f"; its layers are {', '.join(names[:3])} ... {names[-1]}" if names else ""
    return ZooError(f"{type(model).__name__} has no layer {layer!r}{suggestion(layer, names) or some}")


def hidden_layer(model: nn.Module, name: str) -> ZooError:
    """The error for a layer whose output cannot be had."""
    return ZooError(
        f"the output of {name!r} of {type(model).__name__} is hidden, or of several iterations at once, by nn.scan, "
        "nn.vmap or the like: name a layer outside of it"
    )


def apply_and_capture(
    model: nn.Module,
    variables: Variables,
    x: jax.Array,
    names: Collection[str] | None = None,
    mutable: Sequence[str] = (),
) -> Applied:
    """Apply a network and capture the first outputs of the modules at `names`, None for all.

    The others are in the result without their output. `mutable` are further collections that modules write to. Nothing
    is checked: a name that the network does not have is not in the result.
    """
    shapes: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def record(call: Any, args: tuple, kwargs: dict, context: InterceptorContext) -> Any:
        output = call(*args, **kwargs)
        if context.method_name == "__call__":
            shapes.setdefault(context.module.path, jax.tree.map(jnp.shape, output))
        return output

    def is_named(module: nn.Module, method: str) -> bool:
        return method == "__call__" and (names is None or "/".join(module.path) in names)

    given = {name: collection for name, collection in variables.items() if name != CAPTURED}
    with nn.intercept_methods(record):
        logits, state = model.apply(
            given, x, capture_intermediates=is_named, mutable=[CAPTURED, *mutable, new_trace_name()]
        )
    captured = state.get(CAPTURED, {})
    outputs = OrderedDict(("/".join(path), _first_output(captured, path, shape)) for path, shape in shapes.items())
    return Applied(logits, outputs, state)


def _first_output(captured: Mapping[str, Any], path: tuple[str, ...], shape: Any) -> Any:
    """What was captured of a module's first call, whose output had this shape then."""
    for part in (*path, "__call__"):
        if part not in captured:
            return None
        captured = captured[part]
    (output, *_) = captured
    return output if jax.tree.map(jnp.shape, output) == shape else Stacked(output)
