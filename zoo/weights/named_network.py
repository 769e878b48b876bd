"""The name and fields by which a class or a module can be remembered, in a run folder or a weights file."""

from typing import Any

import flax.linen as nn

from zoo.errors import ZooError
from zoo.models.user_module.adapted_class import adapted_module
from zoo.models.user_module.reference import imported_class, reference_to
from zoo.registry import create_model, model_info
from zoo.weights.network_fields import RUN_FIELDS, plain_fields


def name_and_fields(model: str | type[nn.Module] | nn.Module) -> tuple[str, dict[str, Any]]:
    """The name of a network and the fields that make it: a class of the user's, or a module, is module:attribute.

    The fields of a run are left out: its data decide them. Raises ZooError for what could not be made again from that:
    a class in a function, or a field that is no number, text, true or false, or tuple of these; and UnknownModel.
    """
    if isinstance(model, str):
        return model_info(model).name, {}
    cls: Any = model if isinstance(model, type) else type(model)
    if not issubclass(cls, nn.Module):
        raise ZooError(f"model is of the type {cls.__name__}: give a name of zoo.list_models(), or a Linen module")
    if cls.__module__.startswith("zoo."):
        raise ZooError(f"a {cls.__name__} of zoo's has several names: give the one that is meant, of zoo.list_models()")
    name = reference_to(cls)
    if not name or imported_class(name) not in (cls, *cls.__bases__):
        raise ZooError(
            f"{cls.__name__} could not be found again: define it at the top of a module, or register it "
            "(zoo.register) and give its name"
        )
    if isinstance(model, type):
        return name, {}
    adapted: Any = adapted_module(model)
    fields = plain_fields(name, adapted)
    of_run = {field: getattr(adapted, field) for field in ("dtype", *RUN_FIELDS) if hasattr(adapted, field)}
    if create_model(name, **fields, **of_run) != adapted:
        plain = ", ".join(fields) or "none"
        raise ZooError(
            f"this {cls.__name__} has a field that a run cannot remember, which are numbers, texts and tuples of them "
            f"({plain}): make its value the default of a class of its own"
        )
    return name, fields
