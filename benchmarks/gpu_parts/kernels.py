"""Where the time of a step goes: a trace of JAX's profiler, its kernels by layer, pass and kind of operation.

benchmarks/gpu.py runs it without command buffers (CUDA graphs), of which a trace does not name the operations.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import jax
from flax.traverse_util import flatten_dict
from jax.profiler import ProfileData

from gpu_parts.layer_times import Place, instruction_names, nanoseconds, place_of
from gpu_parts.real_step import compile_step
from gpu_parts.rows import emit
from gpu_parts.sizes import sizes
from zoo.training import enable_compilation_cache

STEPS = 5
SHOWN_KINDS, SHOWN_KERNELS = 10, 12


def main() -> None:
    """Emit rows of layers, of kinds of operations, and of the operations that take longest."""
    enable_compilation_cache()
    step = compile_step(sizes())
    state, _ = step.run(step.initial_state(), 3)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            start = time.perf_counter()
            state, _ = step.run(state, STEPS)
            wall = time.perf_counter() - start
        (file,) = Path(folder).rglob("*.xplane.pb")
        times = nanoseconds(ProfileData.from_file(str(file)))
    if not times:
        raise SystemExit("the trace names no operation of the step")
    report(times, instruction_names(step.program.as_text()), layers_of(state.params), wall / STEPS)


def layers_of(params: Mapping) -> frozenset[str]:
    """The paths of all modules with parameters, and of those around them: "layer1.0", "layer1.0/conv1"."""
    paths = flatten_dict(params)
    return frozenset("/".join(path[:depth]) for path in paths for depth in range(1, len(path)))


def report(times: Counter[str], names: Mapping[str, str], layers: frozenset[str], step_seconds: float) -> None:
    """Emit the rows; times are those of `STEPS` steps."""
    places = {operation: place_of(names.get(operation, ""), layers) for operation in times}
    total = sum(times.values())

    def figures(selected: Counter) -> list[tuple]:
        return [
            (key, value / STEPS / 1e6, f"{value / total:.1%}") for key, value in selected.most_common() if value > 0
        ]

    emit(
        "Time on the device",
        **{"per step, ms": total / STEPS / 1e6, "step with the profiler, ms": step_seconds * 1e3},
        operations=len(times),
        **{"outside of the layers": f"{_sum(times, places, lambda p: not p.layer) / total:.1%}"},
    )
    by_layer = Counter[str]()
    for operation, value in times.items():
        place = places[operation]
        by_layer[place.layer.partition("/")[0] or f"({place.direction})"] += value
    for layer, milliseconds, share in figures(by_layer):
        emit("Time by layer", layer=layer, **{"ms per step": milliseconds, "share": share})
    by_kind = Counter[str]()
    for operation, value in times.items():
        by_kind[f"{places[operation].primitive or operation.partition('.')[0]}, {places[operation].direction}"] += value
    for kind, milliseconds, share in figures(by_kind)[:SHOWN_KINDS]:
        emit("Time by kind of operation", kind=kind, **{"ms per step": milliseconds, "share": share})
    for operation, milliseconds, share in figures(times)[:SHOWN_KERNELS]:
        place = places[operation]
        where = f"{place.layer} {place.primitive}, {place.direction}".strip()
        emit("Longest operations", operation=operation, where=where, **{"ms per step": milliseconds, "share": share})


def _sum(times: Counter[str], places: Mapping[str, Place], selects) -> int:
    return sum(value for operation, value in times.items() if selects(places[operation]))


if __name__ == "__main__":
    main()
