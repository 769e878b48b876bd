"""The step of `train.py`: its speed, share of the peak, and memory against what `--dry-run` says before."""

import jax
import numpy as np

import zoo
from gpu_parts.real_step import compile_step, rates
from gpu_parts.rows import emit
from gpu_parts.sizes import sizes
from zoo.training import enable_compilation_cache
from zoo.training.logging.flop_utilization import utilisation
from zoo.training.plan.step_memory import step_memory


def main() -> None:
    """Emit a row for the speed, and one for the memory."""
    enable_compilation_cache()
    size = sizes()
    step = compile_step(size)
    compiled_peak = peak_bytes()
    rate = float(np.median(rates(step, size)))
    share = utilisation(zoo.model_info(size.network).macs, rate, training=True)
    emit(
        f"The step of train.py, bfloat16, {size.batch_size} images of {size.image_size} pixels",
        network=size.network,
        **{"images/s": rate, "of the stated peak": share and f"{share:.1%}", "compiling, s": step.compile_seconds},
    )
    forecast, peak = step_memory(step.program), peak_bytes()
    emit(
        "Memory of that step, GB",
        network=size.network,
        **{"forecast of --dry-run": forecast and forecast.total / 1e9},
        **{"peak while it ran": peak and peak / 1e9, "peak while it compiled": compiled_peak and compiled_peak / 1e9},
    )


def peak_bytes() -> int | None:
    """The most that JAX had on the device so far, None where it does not say."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


if __name__ == "__main__":
    main()
