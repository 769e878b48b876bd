"""Where the page's numbers come from: counting conventions, library versions."""

import platform
from importlib.metadata import version

from zoo.counting.render import CONVENTION

CONVENTIONS = (
    CONVENTION,
    "batch statistics are not parameters; a module that is called twice is counted once",
    "“without sharing”: the number of parameters if every output position had its own copy of the weights",
    "receptive fields are in pixels of the image and include padding; where branches join, the field is the smallest "
    "that contains those of all branches",
    "layers with weights: convolutions and dense layers; a path to the output does not lead through gates, which scale "
    "whole maps, as in squeeze-and-excite",
    "in the table each operation has a row, with its bias: also activations, normalisation and pooling",
)
LIBRARIES = ("jax", "flax", "numpy", "jinja2")


def versions() -> tuple[str, ...]:
    """The versions of zoo, Python and the libraries that the numbers depend on."""
    import zoo

    return f"zoo {zoo.__version__}", f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in LIBRARIES)
