"""A class of Linen modules brought to the contract of zoo's networks, by a subclass of the same name.

The subclass has the fields that are missing, and a `__call__(x, *, train=False)` that calls the original's. All layers
keep their names and classes, so that variables, counts and pictures are those of the original.
"""

import dataclasses
import inspect
import types
from functools import cache
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.models.field_types import ClassCount
from zoo.models.network import Network, refusing_integers
from zoo.models.user_module.contract import Contract, mode_values, read_contract
from zoo.models.user_module.hashable import make_hashable
from zoo.runtime.record_types import ImageShape

# The fields of every network that zoo sets, and what stands for one that the original does not have.
ADDED_FIELDS: dict[str, tuple[Any, Any]] = {
    "num_classes": (ClassCount, 0),
    "image_shape": (ImageShape | None, None),
    "dtype": (jnp.dtype, jnp.float32),
}

# The module of the classes that a transformation of Flax makes of others.
TRANSFORMED = "flax.linen.transforms"


def adapted_class(cls: Any) -> type[nn.Module]:
    """The class itself if it follows the contract, else the one subclass. Raises ZooError as `read_contract`."""
    return _adapted_class(cls)


@cache
def _adapted_class(cls: Any) -> type[nn.Module]:
    contract = read_contract(cls)
    own = {field.name: field for field in dataclasses.fields(cls)}
    added = {name: field for name, field in ADDED_FIELDS.items() if name not in own}
    if (not added or issubclass(cls, Network)) and _takes_train(cls) and contract.mode_arguments == ("train",):
        return cls
    if cls.__module__ == TRANSFORMED:
        raise ZooError(
            f"{cls.__name__} is the result of nn.jit, nn.remat or the like, which has the fields of the original only: "
            "apply that to layers in the network, or leave it out, since zoo compiles the network as a whole"
        )

    def __post_init__(self: Any) -> None:
        make_hashable(self)
        if renamed:
            object.__setattr__(self, renamed, self.num_classes)
        if "dtype" in added and jnp.dtype(self.dtype) != jnp.float32:
            raise ZooError(f"{cls.__name__} has no field dtype, so that it computes in float32 only: add the field")
        cls.__post_init__(self)

    # Not wrapped by Flax: only the call of the original is a call of the module, for counts and captured outputs.
    @nn.nowrap
    @refusing_integers
    def __call__(self: Any, x: jax.Array, *, train: bool = False) -> Any:
        fields = mode_values(contract.mode_fields, train=train)
        module = self if all(getattr(self, name) is value for name, value in fields.items()) else None
        module = module or self.clone(**fields, parent=self.scope)
        return cls.__call__(module, x, **mode_values(contract.mode_arguments, train=train))

    renamed = contract.class_count if "num_classes" in added else ""
    namespace: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__annotations__": {name: kind for name, (kind, _) in added.items()},
        "__post_init__": __post_init__,
        "__call__": __call__,
        "zoo_contract": contract,
    }
    namespace |= {name: _class_attribute(cls, name, default) for name, (_, default) in added.items()}
    if renamed:
        _rename_class_count(namespace, own[renamed])
    return types.new_class(cls.__name__, (cls,), {"kw_only": True}, lambda body: body.update(namespace))


def adapted_module(module: nn.Module) -> nn.Module:
    """A module of the adapted class of its own, with the same fields."""
    cls = adapted_class(type(module))
    return module if cls is type(module) else cls(**fields_of_module(module, cls))


def fields_of_module(module: nn.Module, cls: type[nn.Module]) -> dict[str, Any]:
    """The values of a module's fields, as `cls` takes them: its own class, or the adapted one."""
    taken = {field.name for field in dataclasses.fields(cls) if field.init} - {"parent", "name"}
    values = {field.name: getattr(module, field.name) for field in dataclasses.fields(module) if field.init}
    if (contract := contract_of(cls)) and contract.class_count in values:
        values.setdefault("num_classes", values[contract.class_count])
    return {name: value for name, value in values.items() if name in taken}


def contract_of(cls: type[nn.Module]) -> Contract | None:
    """The contract of the original of an adapted class; None for a class that follows zoo's."""
    return cast("Contract | None", vars(cls).get("zoo_contract"))


def _rename_class_count(namespace: dict[str, Any], field: dataclasses.Field) -> None:
    """Let `num_classes` set the original's field, and have its default; without one, it must be given."""
    namespace["__annotations__"][field.name] = field.type
    namespace[field.name] = dataclasses.field(init=False, default=0)
    if field.default is dataclasses.MISSING:
        del namespace["num_classes"]
    else:
        namespace["num_classes"] = field.default


def _class_attribute(cls: type, name: str, default: Any) -> Any:
    """What the class has without an annotation, as `image_shape = (32, 32, 3)`; a property is none."""
    value = getattr(cls, name, default)
    return default if isinstance(value, property) else value


def _takes_train(cls: type[nn.Module]) -> bool:
    parameter = inspect.signature(cls.__call__).parameters.get("train")
    return parameter is not None and parameter.default is False and parameter.kind is not parameter.POSITIONAL_ONLY
