"""Checkpoints: the state of a run together with the position of its data, saved and read back."""

from typing import Any

import jax
from orbax.checkpoint import v1 as ocp

from zoo.errors import ZooError
from zoo.training.run_folder import RunFolder
from zoo.training.step import TrainState

POLICIES = ocp.training.preservation_policies
SAVE = ocp.training.save_decision_policies


def open_checkpointer(folder: RunFolder, keep: int) -> ocp.training.Checkpointer:
    """Orbax's checkpointer, which saves when asked and keeps the last `keep` and the best."""
    best = POLICIES.BestN(
        get_metric_fn=lambda metrics: metrics["test_accuracy"], n=1, keep_checkpoints_without_metrics=False
    )
    return ocp.training.Checkpointer(
        folder.steps.absolute(),
        save_decision_policy=SAVE.FixedIntervalPolicy(1),
        preservation_policy=POLICIES.AnyPreservationPolicy([POLICIES.LatestN(keep), best]),
        cleanup_tmp_directories=True,
    )


def save(
    checkpointer: ocp.training.Checkpointer,
    state: TrainState,
    position: dict[str, Any],
    metrics: dict[str, float] | None,
) -> None:
    """Save the state with the position of its feed; a step that is saved already is left as it is.

    `metrics` are those of an evaluation, where there was one: the best checkpoint is found by them.
    """
    step = int(state.step)
    if checkpointer.latest is None or checkpointer.latest.step < step:
        checkpointer.save_checkpointables(step, {"state": arrays(state), **position}, metrics=metrics)


def restore(
    checkpointer: ocp.training.Checkpointer, abstract: TrainState, position: dict[str, Any]
) -> tuple[TrainState, dict[str, Any]]:
    """The latest state, on the devices that `abstract` names, and its feed's position; given is that of a new feed."""
    if checkpointer.latest is None:
        raise ZooError(f"no checkpoint in {checkpointer.directory}: the run was stopped before its first; start anew")
    wanted = {"state": arrays(abstract), **position}
    step = checkpointer.latest.step
    try:
        restored = checkpointer.load_checkpointables(step, wanted)
    except Exception as error:
        # Orbax has many kinds of errors for a damaged file.
        damaged = f"{checkpointer.directory}/{step}"
        raise ZooError(f"{damaged} cannot be read: remove that folder to resume from an earlier step") from error
    return abstract.replace(**restored["state"]), {name: restored[name] for name in position}


def arrays(state: TrainState) -> dict[str, Any]:
    """What of a state is saved: its arrays, by field."""
    return {
        "step": state.step,
        "key": state.key,
        "params": state.params,
        "batch_stats": state.batch_stats,
        "opt_state": state.opt_state,
    }


def abstract_like(state: TrainState, sharding: jax.sharding.Sharding) -> TrainState:
    """The state's shapes and types with one sharding for all."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state)
