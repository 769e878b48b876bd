"""What the units of five layers see: pictures made with `zoo visualize`, one file a layer."""

import base64
from dataclasses import dataclass
from pathlib import Path

PICTURES = Path(__file__).with_name("pictures")


@dataclass(frozen=True)
class LayerPicture:
    """A layer's picture as a URI, and what it shows."""

    layer: str
    uri: str
    about: str


# The layers of GoogLeNet that stand for the lesson's layers 1 to 5, and what to look for.
LAYERS = {
    "conv1": "Layer 1: edges, and dark beside bright, each in one direction.",
    "conv2": "Layer 2: stripes, arcs and corners: two or three edges together.",
    "inception_3b": "Layer 3: parts, such as the heel of a boot, the gap between trouser legs, or the top of a dress.",
    "inception_4e": "Layer 4: larger parts, such as both legs of trousers, or the shoulders and hem of a coat.",
    "inception_5b": "Layer 5: whole pieces of clothing, plain or with a print.",
}


def layer_pictures(folder: str = "") -> tuple[LayerPicture, ...]:
    """The pictures of the five layers, from the first to the last: as data, or by their place in a folder."""
    return tuple(
        LayerPicture(layer, f"{folder}{layer}.webp" if folder else _uri(PICTURES / f"{layer}.webp"), about)
        for layer, about in LAYERS.items()
    )


def _uri(path: Path) -> str:
    return f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}"
