"""The metadata of zoo's own weights files: the network, its fields, preprocessing, class names and data set."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from msgspec import Meta

from zoo.data import DataOrigin, Preprocessing
from zoo.registry import stored_model
from zoo.runtime.record_types import ClassNames, Name
from zoo.runtime.records import as_record, parse_json
from zoo.weights.network_fields import network_fields
from zoo.weights.source import MadeFrom

DatasetName = Annotated[
    str,
    Meta(
        pattern=r"\A(\w([\w.-]*\w)?)?\Z",
        max_length=1000,
        description="a name of letters, digits, dots, dashes and underscores",
    ),
]


@dataclass(frozen=True, kw_only=True)
class WeightsMetadata:
    """What a weights file says beside its arrays; the last four are left out where they are not known.

    `model_source` is the module:attribute of a network of the user, where that is not its name.
    """

    model: Name
    fields: dict[str, Any]
    class_names: ClassNames
    preprocessing: Preprocessing
    dataset: DatasetName = ""
    data: DataOrigin = field(default_factory=DataOrigin)
    model_source: Name = ""
    made_from: MadeFrom | None = None


def parse_metadata(texts: Mapping[str, str], where: str, asked: str | None = None) -> WeightsMetadata:
    """The metadata of the file `where`, each value of which is JSON. Raises InvalidRecord, and UnknownModel.

    `asked` is the network that the user has named, as for `stored_model`.
    """
    stored = {name: parse_json(text, f"{where}: {name}") for name, text in texts.items()}
    metadata = as_record(stored, WeightsMetadata, where)
    model = stored_model(metadata.model, metadata.model_source, where, asked)
    fields = network_fields(model, metadata.fields, where)
    return replace(metadata, model=model, fields=fields, data=metadata.data.for_others())


def metadata_texts(metadata: WeightsMetadata) -> dict[str, str]:
    """The inverse of `parse_metadata`."""
    described = asdict(metadata)
    described["data"] = {"kind": metadata.data.kind, "name": metadata.data.name}
    if metadata.data.kind == "unknown":
        del described["data"]
    for name in ("dataset", "model_source", "made_from"):
        if not described[name]:
            del described[name]
    return {name: json.dumps(value) for name, value in described.items()}
