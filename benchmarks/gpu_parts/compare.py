"""Training steps of one network, zoo's and torch.compile's: python -m gpu_parts.compare NETWORK

Both compute in bfloat16 with float32 parameters, channels last, on images that are on the device; torch under autocast
with cuDNN's autotuner. Rounds alternate. In a round several steps are started, and the last is waited for.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import speed
from contenders import CONTENDERS
from torch_contenders import memory_note
from workload import Contender, Workload, check_losses, check_same, make_workload, tolerances

import zoo
from gpu_parts.rows import emit
from gpu_parts.sizes import Sizes, is_small, sizes
from zoo.training import enable_compilation_cache

NAMES = ("zoo", "torch.compile")
MAX_STEPS = 200


@dataclass(frozen=True)
class Compiled:
    """A contender after its first steps: their losses, the seconds of the first, and how many steps make a round."""

    contender: Contender
    losses: tuple[float, float]
    first_seconds: float
    steps: int


def main() -> None:
    """Check, measure, and emit a row for each contender, and one for zoo before torch compiles for a minute."""
    enable_compilation_cache()
    size = sizes(sys.argv[1], small="resnet18")  # which torchvision has
    workload = make_workload(size.network, size.batch_size, True, "bfloat16", size.image_size)
    of_logits, of_losses = tolerances(workload.dtype)
    if jax.default_backend() == "gpu":
        print(memory_note(), flush=True)
    contenders = [made for name in NAMES if (made := make(name, workload))]
    found = [refusal(lambda: check_same(contenders, of_logits))]
    ready: list[Compiled] = []
    for contender in contenders:
        if one := compiled(contender, size):
            ready.append(one)
            if len(ready) == 1:
                alone = np.array([speed.timed(contender, one.steps) for _ in range(2)])
                emit(f"{title(size)}, before torch compiled", **figures(workload, contender, alone, size))
    if not ready:
        raise SystemExit("no contender runs here")
    found.append(refusal(lambda: check_losses([(one.contender.name, one.losses) for one in ready], of_losses)))
    seconds = np.array([[speed.timed(one.contender, one.steps) for one in ready] for _ in range(size.rounds)])
    for one, column in zip(ready, seconds.T, strict=True):
        low, median, high = np.quantile(column / seconds[:, 0], (0.25, 0.5, 0.75))
        emit(
            title(size),
            **figures(workload, one.contender, column, size),
            **{"speed of the first over it": f"{median:.2f} ({low:.2f} to {high:.2f})"},
            **{"first step, s": one.first_seconds},
            check="; ".join(filter(None, found)) or "same logits and losses",
        )


def title(size: Sizes) -> str:
    """Of the table."""
    return f"Training steps, bfloat16, {size.batch_size} images of {size.image_size} pixels"


def figures(workload: Workload, contender: Contender, seconds: np.ndarray, size: Sizes) -> dict[str, Any]:
    """The speed of a contender; multiply-adds are known for the network's own image size."""
    row = speed.as_row(workload, contender, seconds, np.ones(1))
    at_own_size = size.image_size == zoo.model_info(size.network).input_size
    return {
        "network": row.network,
        "contender": row.contender,
        "images/s": row.images_per_second,
        "TFLOP/s": row.teraflops if at_own_size else None,
        "of the stated peak": f"{row.utilisation:.1%}" if at_own_size and row.utilisation else None,
    }


def make(name: str, workload: Workload) -> Contender | None:
    """The contender, or None where its library is missing, or fails: the others are measured all the same."""
    # The compiler of torch.compile takes longer than all the rest here.
    name = "torch" if is_small() and name == "torch.compile" else name
    try:
        return CONTENDERS[name](workload)
    except (ImportError, RuntimeError) as error:
        print(f"{name} is left out: {error}", flush=True)
        return None


def compiled(contender: Contender, size: Sizes) -> Compiled | None:
    """The contender after its first steps, or None where they fail, as where there is no compiler."""
    start = time.perf_counter()
    try:
        before = float(contender.start())
        seconds = time.perf_counter() - start
        print(f"{contender.name}: first step after {seconds:.1f} s", flush=True)
        losses = before, float(contender.start())
        steps = int(np.clip(size.round_seconds / speed.timed(contender, 3), 2, MAX_STEPS))
    except RuntimeError as error:
        print(f"{contender.name} is left out: {error}", flush=True)
        return None
    return Compiled(contender, losses, seconds, steps)


def refusal(check: Callable[[], None]) -> str:
    """Why a check refuses, "" if it does not: what differs is measured all the same, and said in the table."""
    try:
        check()
    except RuntimeError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
