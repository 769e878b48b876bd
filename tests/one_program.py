"""Many small computations as one program: each alone takes longer to compile than all of them together."""

from collections.abc import Callable, Hashable
from typing import Any

import jax
import numpy as np


def in_one_program(calls: dict[Hashable, tuple]) -> dict[Hashable, Any]:
    """The result of each call (a function and its arrays), as NumPy arrays.

    What is compared belongs in two of these: XLA could make one computation of equal ones.
    """
    functions: list[Callable] = [function for function, *_ in calls.values()]
    arrays = [arrays for _, *arrays in calls.values()]
    compute = jax.jit(lambda arrays: [function(*given) for function, given in zip(functions, arrays, strict=True)])
    return dict(zip(calls, jax.tree.map(np.asarray, compute(arrays)), strict=True))
