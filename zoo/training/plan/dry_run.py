"""The plan of a run that does not start: its step is compiled, nothing is trained and nothing is written."""

import jax
import numpy as np

from zoo import count
from zoo.data.dataset import Source
from zoo.data.evenly_spaced import evenly_spaced_indices
from zoo.errors import ZooError
from zoo.printable import shown_bytes
from zoo.runtime.mesh import data_mesh
from zoo.training.checkpoint.free_space import checkpoint_bytes, saved_bytes
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.saved_state import abstract_like, arrays
from zoo.training.checkpoint.state_copy import bytes_per_device
from zoo.training.class_weights import class_weights_of
from zoo.training.compiled_step import compile_from_shapes
from zoo.training.initial_state import build_network, state_initializer
from zoo.training.plan.machine import Machine, this_machine
from zoo.training.plan.run_plan import RunImages, RunPlan, plan_run
from zoo.training.plan.step_memory import StepMemory, check_step_memory, step_memory
from zoo.training.prepared_run import PreparedRun
from zoo.training.state import TrainState
from zoo.training.state_split import split_of_state, state_sharding

# Images whose files are looked at for their size.
SAMPLED_IMAGES = 64


def dry_run(run: PreparedRun) -> RunPlan:
    """The plan of a run, with the memory of its compiled step.

    Raises ZooError where the step takes more memory than a device has, or the checkpoints more than the disk.
    """
    machine, mesh = machine_of(run), data_mesh(run.config.recipe.batch_size, fsdp=run.options.fsdp)
    shapes = state_shapes(run)
    shapes = abstract_like(shapes, state_sharding(shapes, mesh))
    images = len(run.dataset.train)
    # What a resumed run has saved makes place for what it saves.
    saved = saved_bytes(run.folder) if run.resume and isinstance(run.folder, RunFolder) else 0
    check_disk(make_plan(run, shapes, machine), saved)
    memory = step_memory(compile_from_shapes(shapes, run.config, images, mesh))
    check_step_memory(memory, machine.memory)
    macs = count.summarize(build_network(run.config), (1, *run.config.preprocessing.image_shape)).macs
    return make_plan(run, shapes, machine, macs=macs, memory=memory)


def machine_of(run: PreparedRun) -> Machine:
    """The machine that a run is on. Its memory is that which is free now."""
    return this_machine(run.folder.path if isinstance(run.folder, RunFolder) else None)


def state_shapes(run: PreparedRun) -> TrainState:
    """The shapes of a run's state."""
    recipe, dataset = run.config.recipe, run.dataset
    make = state_initializer(run.config, len(dataset.train) // recipe.batch_size, class_weights_of(recipe, dataset))
    return jax.eval_shape(make, jax.random.key(0), {})


def make_plan(
    run: PreparedRun,
    state: TrainState,
    machine: Machine,
    *,
    macs: int | None = None,
    memory: StepMemory | None = None,
) -> RunPlan:
    """The plan of a run with this state, which may have shapes instead of arrays."""
    return plan_run(
        run.config,
        run.options,
        images_of(run),
        machine,
        parameters=count.parameters(state.params),
        checkpoint_bytes=checkpoint_bytes(state),
        copy_bytes=bytes_per_device(arrays(state)),
        macs=macs,
        memory=memory,
        state_split=split_of_state(state.params, state, machine.devices) if run.options.fsdp else None,
    )


def images_of(run: PreparedRun) -> RunImages:
    """How many images a run has, and of what size."""
    return RunImages(
        training=len(run.dataset.train),
        test=len(run.dataset.test),
        pixel_bytes=int(np.prod(run.config.preprocessing.image_shape)),
        encoded_bytes=None if run.config.recipe.feed == "resident" else mean_encoded_bytes(run.dataset.train),
    )


def mean_encoded_bytes(source: Source) -> float | None:
    """The mean size of a sample of encoded images; None for a source that has none, or cannot read them."""
    path, encoded = getattr(source, "path", None), getattr(source, "encoded", None)
    try:
        rows = evenly_spaced_indices(len(source), SAMPLED_IMAGES)
        if path is not None:
            return float(np.mean([path(row).stat().st_size for row in rows]))
        return None if encoded is None else float(np.mean([len(encoded(row)) for row in rows]))
    except (OSError, ZooError):
        return None


def check_disk(plan: RunPlan, saved: int = 0) -> None:
    """Raises ZooError where the disk has no room for the checkpoints, of which it has so many bytes already."""
    free = plan.machine.disk
    if free is not None and plan.disk_bytes - saved > free:
        raise ZooError(
            f"{plan.checkpoints} checkpoints of this run need {shown_bytes(plan.disk_bytes)}, and "
            f"{shown_bytes(free)} are free where it is saved: free some space, or choose another folder with --run-dir"
        )
