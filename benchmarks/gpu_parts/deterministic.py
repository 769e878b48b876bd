"""Deterministic operations: whether two processes train to the same bits, and what it costs.

Each process compiles the step of `train.py`, takes a few steps from one state, and prints a hash of the next state.
Those with --xla_gpu_deterministic_ops use no compilation cache, as two machines would not share one.
"""

import hashlib
import json
import os
import subprocess
import sys

import jax
import numpy as np

from gpu_parts.real_step import compile_step, rates
from gpu_parts.rows import emit
from gpu_parts.sizes import is_small, sizes
from zoo.training import enable_compilation_cache

FLAG = "--xla_gpu_deterministic_ops=true"
STEPS = 5
# Each process compiles its step anew.
SMALL_NETWORK = "lenet5"


def main() -> None:
    """Emit a row: two processes with the flag, and one without it for the cost."""
    if "--once" in sys.argv:
        print(json.dumps(once()))
        return
    title, network = f"Deterministic operations ({FLAG})", sizes(small=SMALL_NETWORK).network
    try:
        first, second = once_in_process(FLAG), once_in_process(FLAG)
    except RuntimeError as error:
        emit(title, network=network, failed=str(error))
        return
    print(f"with the flag: {first}, {second}", flush=True)
    emit(title, network=network, **{"same bits": first["hash"] == second["hash"], "images/s": first["rate"]})
    if not is_small():
        without = once_in_process("")
        emit(
            title,
            network=f"{network}, without the flag, twice in a process",
            **{"same bits": without["hash"] == without["hash again"], "images/s": without["rate"]},
            **{"speed with the flag over that without": first["rate"] / without["rate"]},
        )


def once() -> dict[str, object]:
    """A hash of the state after a few steps, the same once more, and images per second."""
    if FLAG not in os.environ.get("XLA_FLAGS", ""):
        enable_compilation_cache()
    size = sizes(small=SMALL_NETWORK)
    step = compile_step(size)
    hashes = [hash_of(step.run(step.initial_state(), STEPS)[0]) for _ in range(2)]
    return {"hash": hashes[0], "hash again": hashes[1], "rate": float(np.median(rates(step, size)))}


def hash_of(state: object) -> str:
    """SHA-256 of the bytes of all parameters and statistics."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves((state.params, state.batch_stats, state.opt_state)):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def once_in_process(flags: str) -> dict:
    """`once` in a new process with these flags of XLA. Raises RuntimeError where it fails, with its last line."""
    environment = {**os.environ, "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}"}
    if flags:
        environment["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    command = [sys.executable, "-m", "gpu_parts.deterministic", "--once"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"with {flags or 'no flags'}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
