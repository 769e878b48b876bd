"""Checkpoints: the state of a run together with the position of its data, written beside the training and read back.

A checkpoint appears under its step's number once all of it is written, so that a process killed at any moment leaves
whole ones only. Checksums of its arrays are kept with it: one that is damaged later is found out, and passed over.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp
from rich.console import Console

from zoo.errors import ZooError
from zoo.training.integrity import Damaged, Position, check_same, checksums, sealed, unsealed
from zoo.training.processes import all_reach, is_first
from zoo.training.run_folder import RunFolder, saved_steps
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


class Checkpoints:
    """A context manager that saves while the run goes on; leaving it waits for what is being written.

    A save that fails is told in a line, and loses nothing: earlier checkpoints stay, and the next save tries again.
    """

    def __init__(self, folder: RunFolder, keep: int, console: Console) -> None:
        self._folder, self._keep, self._console = folder, keep, console
        self._writing: Any = None
        self._step = 0
        self.last_saved: int | None = None

    def __enter__(self) -> "Checkpoints":
        self._checkpointer = open_checkpointer(self._folder, self._keep)
        if self._checkpointer.latest is not None:
            self.last_saved = self._checkpointer.latest.step
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.wait()
        self._checkpointer.close()

    def save(self, state: TrainState, position: Position, metrics: Mapping[str, float] | None = None) -> None:
        """Begin to save the state with the position of its feed, once the save before is done.

        `metrics` are those of an evaluation, where there was one: the best checkpoint is found by them. A step that is
        saved already is left as it is.
        """
        self.wait()
        self._step = int(state.step)
        if self.last_saved is not None and self.last_saved >= self._step:
            return
        # Copies: the next step takes the state's own memory.
        held = jax.block_until_ready(jax.tree.map(jnp.copy, arrays(state)))
        try:
            self._writing = self._checkpointer.save_checkpointables_async(
                self._step, {"state": held}, metrics=metrics, custom_metadata=sealed(position, held)
            )
        except Exception as error:
            self._failed(error)

    def wait(self) -> None:
        """Until what is being written is written, or has failed."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing.result()
        except Exception as error:
            self._failed(error)
        else:
            self.last_saved = self._step

    def require(self, step: int) -> None:
        """Wait, and raise ZooError where that step is not saved."""
        self.wait()
        if self.last_saved != step:
            raise ZooError(f"the run ended at step {step}, which could not be saved; {self.whereabouts()}")

    def whereabouts(self) -> str:
        """What the run can go on from."""
        self.wait()
        if self.last_saved is None:
            return "nothing was saved before"
        return f"--resume goes on from step {self.last_saved}, in {self._folder.steps}"

    def _failed(self, error: Exception) -> None:
        kept = "none is kept yet" if self.last_saved is None else f"the last one is of step {self.last_saved}"
        self._console.print(
            f"the checkpoint of step {self._step} could not be saved ({reason(error)}): the run goes on, and tries "
            f"again at the next; {kept}",
            highlight=False,
            soft_wrap=True,
        )
        # Orbax's checkpointer tells of a failure again at its next call. A new one also removes the unfinished files.
        with suppress(Exception):
            self._checkpointer.close()
        self._checkpointer = open_checkpointer(self._folder, self._keep)


def reason(error: Exception) -> str:
    """Why a file could not be written, in a few words."""
    text = " ".join(str(error).split())
    return "no space left on the disk" if "No space left" in text else text[:200]


def check_room(folder: RunFolder, state: Any, keep: int) -> None:
    """Raises ZooError where the run's checkpoints will not fit on the disk; `state` may be its shapes."""
    one = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(arrays(state)))
    there = sum(file.stat().st_size for file in folder.steps.rglob("*") if file.is_file())
    # Those that are kept, the best, and the new one before an old one goes.
    wanted, free = one * (keep + 2) - there, shutil.disk_usage(folder.path).free
    if wanted > free:
        raise ZooError(
            f"{folder.path} has room for {free / 2**20:.0f} MB, and {keep + 2} checkpoints of this run want "
            f"{wanted / 2**20:.0f}: make room, or name another folder with --run-dir"
        )


def restore(folder: RunFolder, abstract: TrainState, console: Console) -> tuple[TrainState, Position] | None:
    """The latest state that is whole, on the devices that `abstract` names, and its feed's position; None without one.

    Damaged checkpoints that are newer move aside, and a line says so. Raises ZooError where all are damaged, or where
    one is of another network or optimizer.
    """
    damaged: list[Path] = []
    for step in reversed(saved_steps(folder)):
        place = folder.steps / str(step)
        try:
            state, position = _load(place, arrays(abstract))
        except Damaged:
            damaged.append(place)
            continue
        for newer in damaged:
            aside = folder.path / f"damaged-{newer.name}"
            if is_first():
                shutil.rmtree(aside, ignore_errors=True)
                newer.rename(aside)
            console.print(
                f"{newer} is damaged: it is {aside} now, and the run goes on from step {step}", soft_wrap=True
            )
        all_reach("damaged checkpoints are aside")
        return abstract.replace(**state), position
    if damaged:
        raise ZooError(f"{', '.join(map(str, damaged))} cannot be read: start anew without --resume")
    return None


def _load(place: Path, wanted: dict[str, Any]) -> tuple[dict[str, Any], Position]:
    try:
        record = unsealed(ocp.checkpointables_metadata(place.absolute()).custom_metadata)
    except Exception as error:
        raise Damaged from error
    check_same(place, record["shapes"], wanted)
    try:
        state = ocp.load_checkpointables(place.absolute(), {"state": wanted})["state"]
    except Exception as error:
        # Orbax has many kinds of errors for a damaged file.
        raise Damaged from error
    if checksums(state) != record["checksums"]:
        raise Damaged
    return state, record["position"]


def arrays(state: TrainState) -> dict[str, Any]:
    """What of a state is saved: its arrays, by field."""
    saved = {
        "step": state.step,
        "key": state.key,
        "params": state.params,
        "batch_stats": state.batch_stats,
        "opt_state": state.opt_state,
    }
    return {**saved, "average": state.average} if state.average else saved


def abstract_like(state: TrainState, sharding: Any) -> TrainState:
    """The state's shapes and types, with the shardings of a tree like it."""
    return jax.tree.map(lambda leaf, own: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=own), state, sharding)
