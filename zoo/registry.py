"""All networks by name: ModelInfo, register, create_model, list_models.

A name is that of a network of zoo, of one that a program has registered, of one of an installed package (an entry point
of the group `zoo.models`), or module:attribute.
"""

import dataclasses
import inspect
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint
from typing import Any

from zoo.errors import ZooError, ZooWarning, suggestion
from zoo.models import ENTRIES
from zoo.models.network import ModelInfo, Network
from zoo.models.plain_fields import checked_fields
from zoo.models.user_module.build import adapted_build, describe_user_network
from zoo.models.user_module.contract import VARIADIC
from zoo.models.user_module.error_lines import error_line
from zoo.models.user_module.reference import (
    REGISTERED,
    find_attribute,
    import_module,
    imported_class,
    is_reference,
    prints_aside,
    reference_to,
    split_reference,
)
from zoo.printable import quoted, shell_command, shortened
from zoo.runtime.limits import CLASSES
from zoo.runtime.network_packages import module_of_network, offered_networks

__all__ = [
    "ModelInfo",
    "UnknownModel",
    "create_model",
    "import_model",
    "list_models",
    "model_info",
    "model_source",
    "register",
    "stored_model",
]

LONGEST_SHOWN = 200  # of a name that a file states
_REGISTRY: dict[str, ModelInfo] = {info.name: info for info in ENTRIES}


class UnknownModel(ZooError):
    """No network has this name."""


def register(info: ModelInfo) -> None:
    """Add a network, or the same one again. Raises ZooError if another has its name, or `build` makes no network.

    `build` is a class of Linen modules, or a function that returns one. Where it does not follow the contract of zoo's
    networks, as with `n_classes` for `num_classes` or `training` for `train`, it is adapted.
    """
    if not is_name(info.name):
        raise ZooError(f"{quoted(info.name)} is no name of a network: use letters, digits and _ . + - as in my_net-2")
    source = _source(info)
    # A notebook's cell that is run again registers what it has defined again.
    if info.name in _REGISTRY and _REGISTRY[info.name].source != source:
        raise ZooError(f"a model named {info.name!r} is already registered: choose another name")
    _REGISTRY[info.name] = dataclasses.replace(info, build=adapted_build(info.build, info.name), source=source)


def import_model(name: str) -> ModelInfo:
    """The record of a network that the user names, which may be module:attribute: this imports the module.

    The attribute is a class, a module or a function, or a name that the module registers. Never for a name that a file
    states. Raises ZooError where the module cannot be imported or has no such network, and UnknownModel.
    """
    if not is_reference(name):
        return model_info(name)
    module_name, attribute = split_reference(name)
    module, name = import_module(module_name), f"{module_name}:{attribute}"
    found = find_attribute(module, attribute)
    if found is None and attribute in _REGISTRY and _REGISTRY[attribute] not in ENTRIES:
        return _REGISTRY[attribute]
    if found is None:
        registered = [info.name for info in _REGISTRY.values() if info.source.startswith(f"{module_name}:")]
        public = [known for known in vars(module) if not known.startswith("_")]
        where = f" ({module.__file__})" if getattr(module, "__file__", None) else ""
        raise ZooError(f"{module_name}{where} has no {attribute!r}{suggestion(attribute, [*registered, *public])}")
    if isinstance(found, ModelInfo):
        return found if _REGISTRY.get(found.name) == found else _registered(found)
    # Again at each call: a notebook may have reloaded the module.
    _REGISTRY[name] = describe_user_network(name, found, source=name)
    return _REGISTRY[name]


def list_models(pattern: str = "*") -> list[str]:
    """All names that match a glob such as "vgg*", in natural order (vgg11 before vgg16, b2 before b10)."""
    names = {*_REGISTRY, *(entry.name for entry in offered_networks())}
    return sorted((name for name in names if fnmatchcase(name, pattern)), key=natural_key)


def hidden_networks(names: Collection[str]) -> list[str]:
    """Lines about networks of installed packages whose name, of these, is one of zoo's, by which that is found."""
    return [
        f"{entry.name} is zoo's own; the network {entry.value} of an installed package is --model {entry.value}"
        for entry in offered_networks()
        if entry.name in names and entry.name in _REGISTRY and not _REGISTRY[entry.name].source
    ]


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """A sort key that compares digits as numbers."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.findall(r"\d+|\D+", name)]


def model_info(name: str) -> ModelInfo:
    """The record of a network. Raises UnknownModel, whose message suggests similar names.

    The package of an entry point is imported. Of module:attribute nothing is: it is known where `import_model` was
    called, or is a class of a module that the program has imported.
    """
    if name in _REGISTRY:
        return _REGISTRY[name]
    if is_reference(name):
        if cls := imported_class(name):
            return describe_user_network(name, cls, source=name)
        raise UnknownModel(f"the network {name} is not imported: import its module, or name it on the command line")
    offered = [entry for entry in offered_networks() if entry.name == name]
    if len(offered) > 1:
        values = " or ".join(entry.value for entry in offered)
        raise ZooError(f"several packages have a network {name}: name one, as {values}")
    if offered:
        return _load_entry_point(offered[0])
    raise UnknownModel(f"unknown model {name!r}{suggestion(name, list_models())} (zoo list shows all names)")


def stored_model(stored: str, source: str, where: str, asked: str | None = None) -> str:
    """The name by which the network that the file `where` states is known here: nothing is imported for it.

    `source` is the module:attribute that the file states beside the name. `asked` is the network that the user has
    named, imported already: it stands for one of the user's own, whose module may have another name now. Raises
    UnknownModel, which says how to name the network.
    """
    if asked and asked != stored and model_info(asked).source and (source or is_reference(stored)):
        if model_info(asked).source != (source or stored):
            warnings.warn(f"{where} is of {stored}, and read as {asked}, which was named", ZooWarning, stacklevel=3)
        return asked
    try:
        known = model_info(stored)
        if source and not known.source:
            raise UnknownModel(f"{stored} is a network of zoo, and not that of {source}")
        if source and known.source != source:
            warnings.warn(f"{where} is of {source}, and read as {stored} of {known.source}", ZooWarning, stacklevel=3)
        return stored
    except UnknownModel as error:
        for info in _REGISTRY.values():
            if info.source and info.source == source:
                return info.name
        if not is_reference(source or stored):
            raise UnknownModel(f"{where}: {error}") from None
        package = "" if is_reference(stored) else " install the package that has it, or"
        stored, reference = (shortened(text, LONGEST_SHOWN) for text in (stored, source or stored))
        if reference.startswith("__main__:"):
            raise UnknownModel(
                f"{where} is of the network {stored}, which a notebook or a script has defined: move it to a module, "
                f"and name it on the command line, as in --model my_nets:{reference.partition(':')[2]}"
            ) from None
        raise UnknownModel(
            f"{where} is of the network {stored}, which is not zoo's:{package} name it on the command line, as in "
            f"{shell_command(['--model', reference])}, or in Python import its module (this runs the code of "
            f"{reference.partition(':')[0]})"
        ) from None


def model_source(name: str) -> str:
    """The module:attribute of a network of the user, where its name is another; else ""."""
    source = model_info(name).source
    return "" if source == name else source


def create_model(name: str, **fields: Any) -> Network:
    """A network by name; `fields` are fields of its module, such as `num_classes=10` or `dtype=jnp.bfloat16`.

    Raises UnknownModel, or ZooError if the network has no such field, or a field of one of zoo's networks cannot have
    this value.
    """
    info = model_info(name)
    known = _field_names(info.build)
    if known is not None:
        for field in fields:
            if field not in known:
                suggested = suggestion(field, known)
                raise ZooError(f"{name} has no field {field!r}{suggested}; its fields are {', '.join(sorted(known))}")
    if missing := _missing_fields(info.build, fields):
        raise ZooError(f"{name} needs {', '.join(missing)}: {_advice(missing)}")
    if "num_classes" in fields:
        CLASSES.check(fields["num_classes"], "num_classes")
    if not info.source:
        fields = checked_fields(name, info.build, fields)
    try:
        return info.build(**fields)
    except ZooError:
        raise
    except Exception as error:
        if info.source:
            raise ZooError(f"{name} cannot be made: {error_line(error)}") from error
        if known is not None or not fields or "unexpected keyword argument" not in str(error):
            raise
        raise ZooError(f"{name} does not have all of the fields {', '.join(sorted(fields))}: {error}") from error


def is_name(name: object) -> bool:
    """Whether a network can be registered by this name: it is a part of names of folders, and of commands."""
    return isinstance(name, str) and re.fullmatch(REGISTERED, name) is not None


def _source(info: ModelInfo) -> str:
    """The module:attribute of a record, where the attribute may be the name: one without is zoo's own."""
    made_by = getattr(info.build, "func", info.build)  # of a partial
    return info.source or reference_to(made_by) or f"{getattr(made_by, '__module__', '__main__')}:{info.name}"


def _registered(info: ModelInfo) -> ModelInfo:
    register(info)
    return _REGISTRY[info.name]


def _load_entry_point(entry: EntryPoint) -> ModelInfo:
    """Register the network of an installed package. Raises ZooError where the package is broken."""
    if not module_of_network(entry):
        raise ZooError(f"the network {entry.name} of an installed package, {quoted(entry.value)}, names no module")
    try:
        with prints_aside():
            found = entry.load()
    except (Exception, SystemExit) as error:
        raise ZooError(
            f"the network {entry.name} of an installed package, {entry.value}: {error_line(error)}"
        ) from error
    if entry.name in _REGISTRY:  # by the import
        return _REGISTRY[entry.name]
    if isinstance(found, ModelInfo):
        return _registered(dataclasses.replace(found, name=entry.name))
    return _registered(describe_user_network(entry.name, found, source=entry.value))


def _missing_fields(build: Callable[..., Network], fields: Mapping[str, Any]) -> list[str]:
    parameters = inspect.signature(build).parameters.values()
    required = [one.name for one in parameters if one.default is one.empty and one.kind not in VARIADIC]
    return [name for name in required if name not in fields]


def _advice(missing: list[str]) -> str:
    if missing == ["num_classes"]:
        return "give --classes N, or num_classes=N"
    return "give values with --model-arg NAME=VALUE, or name a function or a functools.partial that sets them"


def _field_names(build: Callable[..., Network]) -> set[str] | None:
    """The keyword arguments of a class of networks, or of a function that makes one; None if it takes any (`**`)."""
    made_by: Any = getattr(build, "func", build)  # of a partial
    if dataclasses.is_dataclass(made_by):
        return {field.name for field in dataclasses.fields(made_by) if field.init} - {"parent", "name"}
    parameters = inspect.signature(made_by).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY}
