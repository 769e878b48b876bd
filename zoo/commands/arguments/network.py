"""A network that the command line names, its fields, and the size of its images."""

from __future__ import annotations

import argparse
import ast
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.printable import quoted
from zoo.runtime.limits import COUNTED_SIDE

if TYPE_CHECKING:
    import flax.linen as nn

MODEL_HELP = "a name of `zoo list`, or module:attribute for your own network"
MODEL_ARG_HELP = (
    "set a field of the network to a number, text, true, false or a list such as 2,2,3; can be given several times"
)


def add_model_arg(parser: argparse._ActionsContainer) -> None:
    """--model-arg, for `model_fields`."""
    parser.add_argument("--model-arg", action="append", default=[], metavar="NAME=VALUE", help=MODEL_ARG_HELP)


def known_model(name: str) -> str:
    """The registry's name of a network that the command line names; the module of module:attribute is imported.

    Raises ZooError where there is no such network.
    """
    from zoo.registry import UnknownModel, import_model

    try:
        return import_model(name).name
    except UnknownModel as error:
        raise UnknownModel(f"{error}{_meant_reference(name)}") from None


def _meant_reference(name: str) -> str:
    """What a name was to be that is a file of Python's in this folder, or begins with one: my_nets.Net; else ""."""
    module, _, attribute = name.removesuffix(".py").partition(".")
    if not Path(f"{module}.py").is_file():
        return ""
    example = "" if attribute else ", for a class Net"
    return f"; a network in {module}.py is named {module}:{attribute or 'Net'}{example}"


def load_network(name: str, classes: int | None, arguments: Sequence[str] = ()) -> nn.Module:
    """A network of the registry, or the user's own where `name` is module:attribute; `arguments` are --model-arg.

    `classes` None keeps the network's own number. Raises ZooError where there is no such network.
    """
    from zoo.errors import ZooError
    from zoo.models.user_module.adapted_class import contract_of
    from zoo.registry import create_model

    model = known_model(name)
    fields = {} if classes is None else {"num_classes": classes}
    network = create_model(model, **fields, **model_fields(model, arguments))
    contract = contract_of(type(network))
    if classes is not None and contract and not contract.class_count:
        raise ZooError(f"--classes has no effect: {name} has no field for it, as num_classes; leave out --classes")
    return network


def model_fields(model: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The fields of --model-arg, of the types that the network's class gives them. Raises ZooError."""
    from zoo.errors import ZooError
    from zoo.weights.network_fields import not_settable, settable_fields

    known = settable_fields(model)
    fields: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals:
            raise ZooError(f"--model-arg {quoted(argument)} is no NAME=VALUE: give one such as width=2")
        if name in fields:
            raise ZooError(f"--model-arg {name} is given twice: leave out one of them")
        if name not in known:
            raise ZooError(f"--model-arg {name}: {not_settable(model, name)}")
        fields[name] = _typed(text, known[name], f"--model-arg {name}")
    return fields


def _typed(text: str, kind: Any, where: str) -> Any:
    """The first reading of the text that is of this type: JSON, Python, or the text itself."""
    from zoo.runtime.records import InvalidRecord, as_record

    errors = []
    for value in _readings(text):
        try:
            return as_record(value, kind, where)
        except InvalidRecord as error:
            errors.append(error)
    raise errors[0]


def _readings(text: str) -> Iterator[Any]:
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if not _is_finite(value):
            continue
        yield list(value) if isinstance(value, tuple) else value
        if isinstance(value, int):
            yield [value]
    yield text


def _is_finite(value: Any) -> bool:
    """Whether all numbers in it are: Python and its JSON read 1e999 as infinity."""
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def parse_image_shape(text: str | None, model: nn.Module) -> tuple[int, int, int]:
    """Height, width and channels, from the text of --input, or by default the network's own `image_shape`.

    Raises ZooError for a text that is not a size, and for a network without `image_shape` if there is no text.
    """
    from zoo.errors import ZooError

    own_shape = getattr(model, "image_shape", None)
    if text is None:
        if own_shape is None:
            raise ZooError(f"{type(model).__name__} has no image_shape: give --input, as 224 or 32x32x1")
        return own_shape
    try:
        height, *rest = (int(COUNTED_SIDE.parse(part)) for part in text.lower().split("x"))
    except ZooError:
        height, *rest = (0, 0, 0, 0)
    if len(rest) > 2:
        raise ZooError(
            f"--input {quoted(text)} is not a size: give one such as 224, 224x320 or 32x32x1, "
            f"of numbers from {COUNTED_SIDE}"
        )
    width = rest[0] if rest else height
    channels = rest[1] if len(rest) == 2 else own_shape[2] if own_shape else 3
    return height, width, channels
