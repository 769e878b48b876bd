"""A hash of variables, by which weights are recognised wherever they come from."""

import hashlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


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
