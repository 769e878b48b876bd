"""Run by test_state_split on 48 simulated devices: three steps with --fsdp on some of them, as a line of JSON each."""

import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import jax
import numpy as np
from short_runs import with_recipe

from zoo.runtime.mesh import data_mesh, shard_batch
from zoo.training.compiled_step import StepProgram
from zoo.training.initial_state import state_initializer
from zoo.training.state_split import split_of_state, state_sharding

CONFIG = replace(with_recipe(batch_size=48, optimizer="sgd", ema=0.9, feed="streamed"), model="lenet5")

generator = np.random.default_rng(0)
batch = {
    "image": generator.integers(0, 255, (48, 16, 16, 1), np.uint8),
    "label": generator.integers(0, 4, 48).astype(np.int32),
}
make = state_initializer(CONFIG, 10)
shapes = jax.eval_shape(make, jax.random.key(0), {})
for count in (1, 6, 12, 24, 48):
    mesh = data_mesh(48, jax.devices()[:count], fsdp=True)
    state = jax.jit(make, out_shardings=state_sharding(shapes, mesh))(jax.random.key(0), {})
    before = jax.device_get(state.params)
    step, losses = StepProgram(lambda inputs, step: inputs, state, mesh, lambda program: None), []
    for _ in range(3):
        state, metrics = step(state, shard_batch(batch, mesh))
        losses.append(float(metrics["loss"]))
    parameters = jax.tree.leaves(state.params)
    changes = jax.tree.map(lambda new, old: float(np.abs(new - old).sum()), jax.device_get(state.params), before)
    held = sum(one.addressable_shards[0].data.nbytes for one in parameters)
    stated = split_of_state(shapes.params, shapes.params, count).bytes_per_device
    row = {"devices": count, "stated": stated, "held": held, "losses": losses, "changes": jax.tree.leaves(changes)}
    print(json.dumps(row), flush=True)
