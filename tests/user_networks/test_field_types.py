"""Fields of a user's network that are lists, however the class types them: set, remembered and read again."""

import collections.abc
import json
import typing
from typing import Any

import flax.linen as nn
import pytest

import zoo
from zoo.commands.arguments.network import model_fields
from zoo.weights.network_fields import network_fields, plain_fields

KINDS = {
    "list": list,
    "tuple": tuple,
    "Sequence": collections.abc.Sequence,
    "typing.Sequence": typing.Sequence,
    "typing.List": typing.List,  # noqa: UP006
    "typing.Tuple": typing.Tuple,  # noqa: UP006
    "Any": Any,
    "optional": typing.Sequence[int] | None,
    "union": int | typing.Sequence,
}


def network_class(kind):
    class Net(nn.Module):
        num_classes: int
        widths: kind = (4, 8)

        @nn.compact
        def __call__(self, x):
            for width in self.widths:
                x = nn.Conv(width, (3, 3))(x)
            return nn.Dense(self.num_classes)(x.mean((1, 2)))

    return Net


def without_annotations(num_classes, widths=(4, 8)):
    return network_class(tuple)(num_classes=num_classes, widths=widths)


@pytest.mark.parametrize("name", [*KINDS, "function"])
def test_a_list_is_set_remembered_and_read_again(name, monkeypatch):
    monkeypatch.setattr("zoo.registry._REGISTRY", {})
    build = without_annotations if name == "function" else network_class(KINDS[name])
    zoo.register(zoo.ModelInfo(name="net", build=build))
    fields = model_fields("net", ["widths=2,3"])
    assert fields == {"widths": (2, 3)}
    network = zoo.create_model("net", num_classes=5, **fields)
    stored = json.loads(json.dumps({**plain_fields("net", network), **fields}))
    assert network_fields("net", stored, "config.json") == {"widths": (2, 3)}
    # A run whose list is the default of the class can be read, too.
    default = json.loads(json.dumps(plain_fields("net", zoo.create_model("net", num_classes=5))))
    assert network_fields("net", default, "config.json") == {"widths": (4, 8)}
