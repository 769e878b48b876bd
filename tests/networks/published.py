"""Published numbers of parameters and multiply-adds: from other libraries, or from the papers' tables."""

import json
from pathlib import Path

_RECORDS = json.loads(Path(__file__).with_name("published.json").read_text())
# Where the figures are from.
_RECORDS.pop("_meta")

PARAMETERS_WITH_AUX_HEADS = {
    name: record["with_aux_heads"] for name, record in _RECORDS.items() if "with_aux_heads" in record
}


def published_record(name: str) -> dict:
    """The published figures of a network, by library; those of a `_keras` variant are Keras's."""
    if name.endswith("_keras"):
        return {"keras": _RECORDS[name.removesuffix("_keras")]["keras"]}
    return _RECORDS[name]


def published_parameters(name: str) -> int:
    """The number of parameters with 1000 classes, or with the ten classes of the network's data set."""
    record = published_record(name)
    sources = ("torchvision", "timm", "keras", "pytorchcv", "computed_from_layer_table")
    return next(record[source] for source in sources if source in record)
