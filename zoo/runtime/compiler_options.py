"""What XLA is told when it compiles: one place, and only what `benchmarks/speed.py` shows to help."""

import os
from functools import cache
from typing import Any

import jax

# XLA's defaults give convolutions to YNNPACK, whose gradients of filters are two to four times slower than Eigen's.
# Left to it are reductions and single matrix products, 3 and 4 of XLA's enumeration LibraryFusionType. Operations that
# run at the same time cost more in caches than they save, and vectors are half as wide as the processor's by default.
CPU_OPTIONS: dict[str, Any] = {
    "xla_cpu_experimental_ynn_fusion_type": "3,4",
    "xla_cpu_enable_concurrency_optimized_scheduler": False,
    "xla_cpu_prefer_vector_width": 512,
}


def compiler_options(platform: str | None = None) -> dict[str, Any]:
    """For `jax.jit(step, compiler_options=zoo.compiler_options())`: what helps on a platform, by default JAX's own.

    An option named in the environment's XLA_FLAGS is left to that, and one that this version of XLA does not know is
    left out.
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
