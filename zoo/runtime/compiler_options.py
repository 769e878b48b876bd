"""Options of the XLA compiler; only those that `benchmarks/speed.py` shows to be faster."""

import os
from functools import cache
from typing import Any

import jax

# By default XLA compiles convolutions with YNNPACK, whose filter gradients are two to four times slower than Eigen's.
# YNNPACK keeps reductions and single matrix products: members of XLA's enumeration LibraryFusionType (xla.proto).
# jaxlib 0.10.2 gives wrong values where its reduction takes in the product of a matrix of two or three rows and three
# columns with the transpose of one of more than 32,768 rows (jax issue 39103; by default as well). No layer makes such
# a product: tests/runtime/test_library_fusions.py. Concurrent operations lose more in the caches than they gain, and
# the default vectors are half as wide as the processor's.
CPU_OPTIONS: dict[str, Any] = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT",
    "xla_cpu_enable_concurrency_optimized_scheduler": False,
    "xla_cpu_prefer_vector_width": 512,
}


def compiler_options(platform: str | None = None) -> dict[str, Any]:
    """The options for a platform, by default JAX's own: `jax.jit(step, compiler_options=zoo.compiler_options())`.

    Options that the environment variable XLA_FLAGS names, or that this version of XLA does not know, are omitted.
    """
    options = CPU_OPTIONS if (platform or jax.default_backend()) == "cpu" else {}
    flags = os.environ.get("XLA_FLAGS", "")
    return {name: value for name, value in options.items() if name not in flags and _is_known(name, value)}


@cache
def _is_known(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
