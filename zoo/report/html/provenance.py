"""Where the page's numbers come from: conventions, weights with their hash, versions."""

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
    "batch statistics are no parameters; a module that is used twice counts once",
    "“without sharing” gives every output place a copy of the weights of its own",
    "receptive fields are in pixels of the image, padding included; where branches join, the field is the smallest "
    "that holds all of theirs",
    "in the table a layer is one operation with its bias; activations, normalisation and pools are layers of their own",
)
LIBRARIES = ("jax", "flax", "numpy", "jinja2")


def versions() -> tuple[str, ...]:
    """Of zoo, Python and the libraries that the numbers lean on."""
    import zoo

    return f"zoo {zoo.__version__}", f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in LIBRARIES)


def tree_hash(variables: Mapping[str, Any]) -> str:
    """SHA-256 over all variables: their paths, types, shapes and bytes, in the order of the paths."""
    digest = hashlib.sha256()
    for path, leaf in sorted(
        (jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree.leaves_with_path(dict(variables))
    ):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{path} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
