"""The step of `train.py` itself, compiled from shapes as `--dry-run` does, and run on random images on the device."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jax.stages import Compiled

from gpu_parts.sizes import Sizes
from zoo.data import Preprocessing
from zoo.runtime.mesh import data_mesh, shard_batch
from zoo.training import Recipe, RunConfig, TrainState
from zoo.training.compiled_step import compile_from_shapes
from zoo.training.initial_state import state_initializer
from zoo.training.state_split import state_sharding

CLASSES = 1000
STEPS_PER_EPOCH = 100


@dataclass(frozen=True)
class RealStep:
    """A compiled step, what makes the state before the first one, and a batch for it."""

    program: Compiled
    initial_state: Callable[[], TrainState]
    batch: dict[str, jax.Array]
    compile_seconds: float = field(compare=False)

    def run(self, state: TrainState, times: int) -> tuple[TrainState, Any]:
        """The state after so many steps, all started before the last is waited for, and its metrics."""
        for _ in range(times):
            state, metrics = self.program(state, self.batch)
        return jax.block_until_ready((state, metrics))


def compile_step(size: Sizes, dtype: str = "bfloat16") -> RealStep:
    """The step of a run on images that are streamed, with SGD."""
    config = run_config(size, dtype)
    mesh = data_mesh(size.batch_size)
    make = state_initializer(config, STEPS_PER_EPOCH)
    shapes = jax.eval_shape(make, jax.random.key(0), {})
    start = time.perf_counter()
    program = compile_from_shapes(shapes, config, STEPS_PER_EPOCH * size.batch_size, mesh)
    seconds = time.perf_counter() - start
    draw = jax.jit(make, out_shardings=state_sharding(shapes, mesh))
    return RealStep(program, lambda: draw(jax.random.key(0), {}), random_batch(size, mesh), seconds)


def run_config(size: Sizes, dtype: str) -> RunConfig:
    """The configuration of such a run."""
    shape = (size.image_size, size.image_size, 3)
    return RunConfig(
        model=size.network,
        dataset="imagenet2012",
        recipe=Recipe(batch_size=size.batch_size, feed="streamed", dtype=dtype, optimizer="sgd", learning_rate=0.01),
        preprocessing=Preprocessing(image_shape=shape, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        class_names=tuple(map(str, range(CLASSES))),
    )


def random_batch(size: Sizes, mesh: Mesh) -> dict[str, jax.Array]:
    """uint8 images of noise and random labels, on the devices."""
    rng, shape = np.random.default_rng(0), (size.batch_size, size.image_size, size.image_size, 3)
    labels = rng.integers(0, CLASSES, size.batch_size).astype(np.int32)
    return shard_batch({"image": rng.integers(0, 256, shape, np.uint8), "label": labels}, mesh)


def rates(step: RealStep, size: Sizes) -> list[float]:
    """Images per second of each round."""
    state, _ = step.run(step.initial_state(), 3)
    start = time.perf_counter()
    state, _ = step.run(state, 3)
    times = int(np.clip(3 * size.round_seconds / (time.perf_counter() - start), 2, 200))
    found = []
    for _ in range(size.rounds):
        start = time.perf_counter()
        state, _ = step.run(state, times)
        found.append(times * size.batch_size / (time.perf_counter() - start))
    return found
