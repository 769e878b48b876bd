"""The training step as a compiled program: for a run at its first step, and from shapes alone for a plan."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jax.stages import Compiled

from zoo.runtime.compiler_options import compiler_options
from zoo.runtime.mesh import batch_sharding, replicated, split_over
from zoo.training.checkpoint.saved_state import abstract_like
from zoo.training.config.run_config import RunConfig
from zoo.training.feed import gather_batch
from zoo.training.state import TrainState
from zoo.training.state_split import state_sharding
from zoo.training.step import Batch, Metrics, train_step

# From the inputs of a feed and the step, which is counted from 0, to a batch.
MakeBatch = Callable[[Any, jax.Array], Batch]


def jit_step(make_batch: MakeBatch, sharding: Any, mesh: Mesh) -> Any:
    """The jitted training step, which makes its batch of a feed's inputs and donates the state."""

    def step(state: TrainState, inputs: Any) -> tuple[TrainState, Metrics]:
        with split_over(mesh):
            return train_step(state, make_batch(inputs, state.step))

    shardings = (sharding, replicated(mesh))
    # Those of the mesh, which may be of devices that are not there.
    options = compiler_options(mesh.devices.flat[0].platform)
    return jax.jit(step, donate_argnums=0, out_shardings=shardings, compiler_options=options)


class StepProgram:
    """The training step, compiled for the state and the inputs of its first call.

    `compiled` is called with the program before that runs, and may refuse it.
    """

    def __init__(self, make_batch: MakeBatch, state: TrainState, mesh: Mesh, compiled: Callable[[Compiled], None]):
        self._jitted = jit_step(make_batch, jax.tree.map(lambda leaf: leaf.sharding, state), mesh)
        self._compiled = compiled
        self._program: Compiled | None = None

    def __call__(self, state: TrainState, inputs: Any) -> tuple[TrainState, Metrics]:
        """The next state, and metrics as of `train_step`. The state given must not be used again."""
        if self._program is None:
            self._program = self._jitted.lower(state, inputs).compile()
            self._compiled(self._program)
        return self._program(state, inputs)


def compile_from_shapes(shapes: TrainState, config: RunConfig, images: int, mesh: Mesh) -> Compiled:
    """The program that a run on so many training `images` will compile at its first step; nothing is allocated.

    `shapes` are those of the state, as `jax.eval_shape` gives them. The feed of the recipe must not be "auto".
    """
    recipe = config.recipe
    sharding = state_sharding(shapes, mesh)
    inputs = abstract_inputs(config, images, mesh)
    gather = gather_batch(recipe.batch_size, mesh, recipe.repeats)
    make_batch = gather if recipe.feed == "resident" else lambda inputs, step: inputs
    return jit_step(make_batch, sharding, mesh).lower(abstract_like(shapes, sharding), inputs).compile()


def abstract_inputs(config: RunConfig, images: int, mesh: Mesh) -> Any:
    """The shapes and shardings of a feed's inputs."""
    recipe, shape = config.recipe, config.preprocessing.image_shape
    resident = recipe.feed == "resident"
    count, sharding = (images, replicated(mesh)) if resident else (recipe.batch_size, batch_sharding(mesh))
    batch = {
        "image": jax.ShapeDtypeStruct((count, *shape), np.uint8, sharding=sharding),
        "label": jax.ShapeDtypeStruct((count,), np.int32, sharding=sharding),
    }
    return (batch, jax.ShapeDtypeStruct((count,), np.int32, sharding=sharding)) if resident else batch
