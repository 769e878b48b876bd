"""Every number about a network: parameters, output shapes, multiply-adds, receptive fields."""

from typing import Any

import jax

from zoo.counting.formulas import conv_macs, conv_output_shape, conv_parameters, pool_output_shape
from zoo.counting.paper_comparison import PaperComparison, compare
from zoo.counting.paper_tables import TABLES as PAPERS
from zoo.counting.records import CountError, Misalignment, Row, Summary
from zoo.counting.summarize import summarize

__all__ = [
    "PAPERS",
    "CountError",
    "Misalignment",
    "PaperComparison",
    "Row",
    "Summary",
    "compare",
    "conv_macs",
    "conv_output_shape",
    "conv_parameters",
    "parameters",
    "pool_output_shape",
    "summarize",
]


def parameters(params: Any) -> int:
    """Number of values in a parameter pytree (arrays or `jax.ShapeDtypeStruct`s)."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
