"""XLA's compiled programs, kept between runs."""

import jax

from zoo.runtime.cache_folder import cache_folder


def enable_compilation_cache() -> None:
    """Keep compiled programs in JAX_COMPILATION_CACHE_DIR where it is set, else in ZOO_CACHE, else in ~/.cache/zoo."""
    if not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
