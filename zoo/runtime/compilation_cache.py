"""A persistent cache of XLA's compiled programs."""

import os

import jax

from zoo.runtime.cache_folder import cache_folder


def enable_compilation_cache() -> None:
    """Cache compiled programs in JAX_COMPILATION_CACHE_DIR if it is set, else in the folder `xla` of `cache_folder`."""
    # JAX adds its options when it is imported.
    if not jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
