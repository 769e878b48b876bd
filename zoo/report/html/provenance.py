"""Where the page's numbers come from: counting conventions, a hash of the weights, library versions."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

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


def hash_variables(variables: Mapping[str, Any]) -> str:
    """SHA-256 in hex of all variables: their paths, types, shapes and bytes, in the order of the paths."""
    digest = hashlib.sha256()
    for path, leaf in sorted(
        (jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree.leaves_with_path(dict(variables))
    ):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{path} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
