"""What makes a user's network from the fields that zoo gives: its class, a module, or a function that returns one."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

import flax.linen as nn

from zoo.errors import ZooError
from zoo.models.network import ModelInfo
from zoo.models.user_module.adapted_class import ADDED_FIELDS, adapted_class, adapted_module, fields_of_module
from zoo.models.user_module.contract import VARIADIC, class_count_name
from zoo.models.user_module.reference import is_network_class

Build = Callable[..., Any]


def describe_user_network(name: str, found: Any, source: str) -> ModelInfo:
    """The record of a network that a module has under some name. Raises ZooError for what is no network."""
    build = adapted_build(found, name)
    shape = getattr(found, "image_shape", None)
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        return ModelInfo(name=name, build=build, source=source)
    height, width, channels = shape
    return ModelInfo(name=name, build=build, source=source, input_size=max(height, width), channels=channels)


def adapted_build(found: Any, name: str) -> Build:
    """A class, a partial or a function whose networks follow zoo's contract. Raises ZooError for anything else."""
    if is_network_class(found):
        return adapted_class(found)
    if isinstance(found, nn.Module):
        cls = adapted_class(type(found))
        return partial(cls, **fields_of_module(found, cls))
    if isinstance(found, partial) and is_network_class(found.func):
        return partial(adapted_class(found.func), *found.args, **_with_contract_names(found.keywords))
    if isinstance(found, type) or not callable(found):
        raise ZooError(
            f"{name} is {_kind(found)}: name a class of Linen modules, a module, or a function that returns one"
        )
    return _adapted_function(found, name)


def _adapted_function(function: Callable[..., Any], name: str) -> Build:
    """The function with the added fields as arguments: those that it does not have are set in what it returns.

    A file may state arguments of it. So it is called without them first: what returns no network, such as os.system,
    never gets them.
    """
    signature = _signature(function, name)
    class_count = class_count_name(signature.parameters)
    takes_any = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
    own = {*_with_contract_names(signature.parameters), *(["num_classes"] if takes_any else [])}

    @wraps(function)
    def build(**fields: Any) -> nn.Module:
        later = {field: fields.pop(field) for field in ADDED_FIELDS.keys() & fields.keys() - own}
        classes = {class_count: fields.pop("num_classes")} if class_count and "num_classes" in fields else {}
        made = _network(function(**classes), name)
        model = adapted_module(_network(function(**classes, **fields), name) if fields else made)
        return model.clone(**later) if later else model

    added = ADDED_FIELDS.keys() - own
    parameters = [one.replace(name=_contract_name(one.name, class_count)) for one in signature.parameters.values()]
    keywords = [inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=None) for field in sorted(added)]
    variadic = [parameters.pop()] if takes_any else []
    build.__signature__ = signature.replace(parameters=[*parameters, *keywords, *variadic])  # type: ignore[attr-defined]
    return build


def _signature(function: Callable[..., Any], name: str) -> inspect.Signature:
    """Raises ZooError for a function without one, as some of C, or with arguments without defaults but the classes."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ZooError(f"{name} is no function of Python that returns a Linen module") from error
    class_count = class_count_name(signature.parameters)
    required = [
        one.name for one in signature.parameters.values() if one.default is one.empty and one.kind not in VARIADIC
    ]
    if needed := [argument for argument in required if argument != class_count]:
        raise ZooError(f"{name} needs {', '.join(map(repr, needed))}: give defaults to all arguments but the classes")
    return signature


def _network(made: Any, name: str) -> nn.Module:
    if not isinstance(made, nn.Module):
        raise ZooError(f"{name} returns {_kind(made)}, not a Linen module")
    return made


def _with_contract_names(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the number of classes as `num_classes`."""
    class_count = class_count_name(arguments)
    return {_contract_name(argument, class_count): value for argument, value in arguments.items()}


def _contract_name(argument: str, class_count: str) -> str:
    return "num_classes" if argument == class_count else argument


def _kind(found: Any) -> str:
    cls = found if isinstance(found, type) else type(found)
    # Without an import of NNX, which takes half a second.
    if any(base.__module__.startswith("flax.nnx") for base in cls.__mro__):
        return "an NNX module, and zoo takes those of Flax Linen"
    return f"the class {found.__name__}" if isinstance(found, type) else f"of the type {type(found).__name__}"
