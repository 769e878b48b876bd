"""Parameters and multiply-adds from outside: torchvision, timm, Keras, and arithmetic over the papers' tables."""

import json
from pathlib import Path

_RECORDS = json.loads(Path(__file__).with_name("published.json").read_text())
# Where the figures are from.
_RECORDS.pop("_meta")

PARAMETERS_WITH_AUX_HEADS = {
    name: record["with_aux_heads"] for name, record in _RECORDS.items() if "with_aux_heads" in record
}


def published_record(name: str) -> dict:
    """What is published of a network of ours; of a `_keras` variant, what Keras says of its network."""
    if name.endswith("_keras"):
        return {"keras": _RECORDS[name.removesuffix("_keras")]["keras"]}
    return _RECORDS[name]


def published_parameters(name: str) -> int:
    """Learnable parameters at 1000 classes (or the ten of its own data set)."""
    record = published_record(name)
    sources = ("torchvision", "timm", "keras", "computed_from_layer_table")
    return next(record[source] for source in sources if source in record)
