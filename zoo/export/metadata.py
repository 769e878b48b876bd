"""What an exported file says of its network, for those who serve it: plain values under plain names."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.export.exportable import Exportable
from zoo.export.options import ExportOptions
from zoo.weights.hash_variables import hash_variables

# What the images of the file are, by `preprocess`.
IMAGES = {
    "none": "float32 [batch, height, width, channels]: pixels scaled to 0..1, less mean, over std",
    "normalize": "uint8 [batch, height, width, channels]: pixels from 0 to 255 of the image size",
    "full": "uint8 [batch, height, width, channels]: pixels from 0 to 255 of a frame of any size",
}
CHANNELS = {1: "grey", 3: "RGB"}


def metadata(network: Exportable, options: ExportOptions) -> dict[str, Any]:
    """JSON values by name; what is not known is left out. Paths of this machine are not in it."""
    known: dict[str, Any] = {
        "model": network.name,
        "fields": dict(network.fields),
        "class_names": list(network.class_names),
        "images": f"{IMAGES[options.preprocess]}; {CHANNELS.get(network.image_shape[2], 'channels as in training')}",
        "preprocessing": asdict(network.preprocessing) if network.preprocessing else None,
        "dtype": options.dtype,
        "dataset": network.dataset,
        **_weights(network),
        "zoo_version": __version__,
    }
    return {name: value for name, value in known.items() if value}


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The values as ONNX has them: texts as they are, all else as JSON."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _weights(network: Exportable) -> dict[str, str]:
    """The hash of the variables is the same wherever they were read from; that of the file finds the file."""
    found = {"variables_sha256": hash_variables(network.variables)}
    if source := network.source:
        name = source.tag or Path(source.name).name
        found |= {
            "weights": name if source.step is None else f"step {source.step} of {name}",
            "weights_sha256": source.sha256,
            "weights_revision": source.revision,
            "weights_licence": source.licence,
        }
    return found
