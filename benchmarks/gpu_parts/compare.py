"""Training steps of one network, zoo's and torch.compile's: python -m gpu_parts.compare NETWORK

Both compute in bfloat16 with float32 parameters, channels last, on images that are on the device; torch under autocast
with cuDNN's autotuner. Rounds alternate. In a round several steps are started, and the last is waited for.
"""

import sys
import time

import jax
import numpy as np
from contenders import CONTENDERS
from speed import as_row, timed
from torch_contenders import memory_note
from workload import Contender, Workload, check_same, check_same_training, make_workload, tolerances

from gpu_parts.rows import emit
from gpu_parts.sizes import Sizes, is_small, sizes
from zoo.training import enable_compilation_cache

NAMES = ("zoo", "torch.compile")
MAX_STEPS = 200


def main() -> None:
    """Check, measure, emit a row per contender."""
    enable_compilation_cache()
    size = sizes(sys.argv[1])
    workload = make_workload(size.network, size.batch_size, True, "bfloat16", size.image_size)
    if jax.default_backend() == "gpu":
        print(memory_note(), flush=True)
    contenders = [made for name in NAMES if (made := make(name, workload))]
    checked, first_seconds = check(contenders, workload)
    steps = [steps_per_round(contender, size) for contender in contenders]
    seconds = np.array(
        [
            [timed(contender, count) for contender, count in zip(contenders, steps, strict=True)]
            for _ in range(size.rounds)
        ]
    )
    for contender, column, compiling in zip(contenders, seconds.T, first_seconds, strict=True):
        row = as_row(workload, contender, column, column / seconds[:, 0])
        low, median, high = row.ratio
        emit(
            f"Training steps, bfloat16, {size.batch_size} images of {size.image_size} pixels",
            network=row.network,
            contender=row.contender,
            **{
                "images/s": row.images_per_second,
                "zoo's speed over it": f"{median:.2f} ({low:.2f} to {high:.2f})",
                "TFLOP/s": row.teraflops if size.image_size == 224 else None,
                "of the stated peak": row.utilisation and f"{row.utilisation:.1%}",
                "first step, s": compiling,
            },
            check=checked,
        )


def make(name: str, workload: Workload) -> Contender | None:
    """The contender, or None where its library is missing, or fails: the others are measured all the same."""
    # The compiler of torch.compile takes longer than all the rest here.
    name = "torch" if is_small() and name == "torch.compile" else name
    try:
        return CONTENDERS[name](workload)
    except (ImportError, RuntimeError) as error:
        print(f"{name} is left out: {error}", flush=True)
        return None


def check(contenders: list[Contender], workload: Workload) -> tuple[str, list[float]]:
    """Whether all compute the same, in words, and the seconds of each one's first step, which compiles.

    What differs is measured all the same, and said in the table.
    """
    of_logits, of_losses = tolerances(workload.dtype)
    found, seconds = [], []
    try:
        check_same(contenders, of_logits)
    except RuntimeError as error:
        found.append(str(error))
    for contender in contenders:
        start = time.perf_counter()
        contender.run()
        seconds.append(time.perf_counter() - start)
        print(f"{contender.name}: first step after {seconds[-1]:.1f} s", flush=True)
    try:
        check_same_training(contenders, of_losses)
    except RuntimeError as error:
        found.append(str(error))
    return "; ".join(found) or "same logits and losses", seconds


def steps_per_round(contender: Contender, size: Sizes) -> int:
    """As many as take the time of a round."""
    return int(np.clip(size.round_seconds / timed(contender, 3), 2, MAX_STEPS))


if __name__ == "__main__":
    main()
