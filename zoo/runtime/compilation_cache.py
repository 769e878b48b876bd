"""A persistent cache of XLA's compiled programs."""

import os
import warnings
from pathlib import Path

import jax

from zoo.errors import ZooError, ZooWarning
from zoo.runtime.cache_folder import cache_folder
from zoo.runtime.system_errors import reason


def enable_compilation_cache() -> None:
    """Cache compiled programs in JAX_COMPILATION_CACHE_DIR if it is set, else in the folder `xla` of `cache_folder`.

    There is no cache where the folder cannot be made, such as without a home folder; a ZooWarning says so where a
    variable names it. Raises ZooError where ZOO_CACHE is in the home folder of nobody.
    """
    # JAX adds its options when it is imported.
    folder = jax.config.jax_compilation_cache_dir or _default_folder()  # type: ignore[attr-defined]
    if folder and "://" not in folder:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if jax.config.jax_compilation_cache_dir or os.environ.get("ZOO_CACHE"):  # type: ignore[attr-defined]
                warnings.warn(f"compiled programs are not kept in {folder}: {reason(error)}", ZooWarning, stacklevel=2)
            folder = None
    jax.config.update("jax_compilation_cache_dir", folder)
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def _default_folder() -> str | None:
    try:
        return str(cache_folder() / "xla")
    except ZooError:
        if os.environ.get("ZOO_CACHE"):
            raise
        return None
