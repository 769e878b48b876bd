"""Counts of a network: parameters, output shapes, multiply-adds and receptive fields."""

from typing import Any

import jax

from zoo.counting.formulas import conv_macs, conv_output_shape, conv_parameters, pool_output_shape
from zoo.counting.paper_comparison import PaperComparison, compare_with_paper
from zoo.counting.paper_tables import PAPER_TABLES
from zoo.counting.records import CountError, Misalignment, Row
from zoo.counting.summarize import summarize
from zoo.counting.summary import Summary
from zoo.errors import ZooError
from zoo.printable import quoted

__all__ = [
    "PAPER_TABLES",
    "CountError",
    "Misalignment",
    "PaperComparison",
    "Row",
    "Summary",
    "compare_with_paper",
    "conv_macs",
    "conv_output_shape",
    "conv_parameters",
    "parameters",
    "pool_output_shape",
    "summarize",
]


def parameters(params: Any) -> int:
    """Number of values in a parameter pytree (arrays or `jax.ShapeDtypeStruct`s)."""
    leaves = jax.tree.leaves(params)
    if wrong := next((leaf for leaf in leaves if not hasattr(leaf, "size")), None):
        raise ZooError(f"a leaf of the parameters is {quoted(wrong)}: count arrays, such as variables['params']")
    return sum(leaf.size for leaf in leaves)
