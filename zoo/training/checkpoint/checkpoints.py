"""Checkpoints: the state of a run together with the position of its data, written beside the training and read back.

A checkpoint appears under its step's number once all of it is written, so that a process killed at any moment leaves
whole ones only. Checksums of its arrays are kept with it: one that is damaged later is found out, and passed over.
"""

import json
import shutil
import tempfile
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
from zoo.runtime.console import tell
from zoo.training.checkpoint.checksums import Damaged, Position, check_same, checksums, sealed, unsealed
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.distributed import all_agree, all_reach, is_first
from zoo.training.step import TrainState

POLICIES = ocp.training.preservation_policies
SAVE = ocp.training.save_decision_policies

# After so long a process that waits for another one's part of a checkpoint gives it up; Orbax's own are 20 minutes.
SAVING_SECONDS = 300
ELSEWHERE = OSError("another of the processes could not write it")


def open_checkpointer(folder: RunFolder, keep: int) -> ocp.training.Checkpointer:
    """Orbax's checkpointer, which saves when asked and keeps the last `keep` and the best."""
    best = POLICIES.BestN(
        get_metric_fn=lambda metrics: metrics.get("test_accuracy", -1.0), n=1, keep_checkpoints_without_metrics=False
    )
    try:
        return ocp.training.Checkpointer(
            folder.steps.absolute(),
            save_decision_policy=SAVE.FixedIntervalPolicy(1),
            preservation_policy=POLICIES.AnyPreservationPolicy([POLICIES.LatestN(keep), best]),
            cleanup_tmp_directories=True,
            context=ocp.Context(async_options=ocp.options.AsyncOptions(timeout_secs=SAVING_SECONDS)),
        )
    except OSError as error:
        raise ZooError(f"cannot keep checkpoints in {folder.steps}: {error.strerror or error}") from None


class Checkpoints:
    """A context manager that saves while the run goes on; leaving it waits for what is being written.

    A save that fails is told in a line, and loses nothing: earlier checkpoints stay, and the next save tries again. Of
    several processes all take it for failed.
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
        # A second Ctrl-C does not wait.
        if kind is None or issubclass(kind, Exception):
            self.wait(agreed=kind is None)
            self._checkpointer.close()

    def save(self, state: TrainState, position: Position, metrics: Mapping[str, float] | None = None) -> None:
        """Begin to save the state with the position in its epoch, once the save before is done.

        `metrics` are those of an evaluation, where there was one: the best checkpoint is found by them. A step that is
        saved already is left as it is.
        """
        self.wait()
        self._step = int(state.step)
        if self.last_saved is not None and self.last_saved >= self._step:
            return
        failure = None
        try:
            # Copies: the next step takes the state's own memory.
            held = jax.block_until_ready(jax.tree.map(jnp.copy, arrays(state)))
            self._writing = self._checkpointer.save_checkpointables_async(
                self._step, {"state": held}, metrics=metrics, custom_metadata=sealed(position, held)
            )
        except Exception as error:
            failure = error
        if not all_agree(failure is None):
            self._failed(failure or ELSEWHERE)

    def wait(self, *, agreed: bool = True) -> None:
        """Until what is being written is written, or has failed: in one process or in all, where that is `agreed`."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        failure = None
        try:
            writing.result()
        except Exception as error:
            failure = error
        written = failure is None
        if all_agree(written) if agreed else written:
            self.last_saved = self._step
        else:
            self._failed(failure or ELSEWHERE)

    def require(self, step: int) -> None:
        """Wait, and raise ZooError where that step is not saved."""
        self.wait()
        if self.last_saved != step:
            raise ZooError(f"the run ended at step {step}, which could not be saved; {self.whereabouts()}")

    def whereabouts(self) -> str:
        """What the run can go on from."""
        self.wait()
        if self.last_saved is None:
            return "nothing was saved before, --resume begins again"
        return f"--resume goes on from step {self.last_saved}, in {self._folder.steps}"

    def _failed(self, error: Exception) -> None:
        kept = "none is kept yet" if self.last_saved is None else f"the last one is of step {self.last_saved}"
        tell(
            self._console,
            f"the checkpoint of step {self._step} could not be saved ({reason(error)}): the run goes on, and tries "
            f"again at the next; {kept}",
        )
        self._writing = None
        # Orbax's checkpointer tells of a failure again at its next call. A new one also removes the unfinished files.
        with suppress(Exception):
            self._checkpointer.close()
        self._checkpointer = open_checkpointer(self._folder, self._keep)
        # It may have failed after the checkpoint was whole, as an old one was removed.
        if self._checkpointer.latest is not None:
            self.last_saved = self._checkpointer.latest.step


def reason(error: Exception) -> str:
    """Why a file could not be written, in a few words."""
    text = " ".join(str(error).split())
    return "no space left on the disk" if "No space left" in text else text[:200]


def check_room(folder: RunFolder, state: Any, keep: int) -> None:
    """Raises ZooError where the run's folder cannot be written, or its disk has no room for the checkpoints.

    `state` may be its shapes.
    """
    if not folder.path.is_dir():
        raise ZooError(f"{folder.path} is not there: all processes must see the run's folder")
    try:
        with tempfile.TemporaryFile(dir=folder.path):
            pass
    except OSError as error:
        raise ZooError(f"cannot write in the run folder {folder.path}: {error.strerror}") from None
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
    """The latest state that is whole, on the devices that `abstract` names, and its position; None without one.

    Damaged checkpoints that are newer, or whose metrics nobody can read, move aside, and a line says so. Raises
    ZooError where all are damaged, and where one cannot be opened, or is of another network or optimizer.
    """
    steps = [folder.steps / str(step) for step in reversed(saved_steps(folder))]
    # Orbax's checkpointer would not open with one of those among the others.
    damaged = [place for place in steps if not metrics_are_whole(place)]
    for place in (place for place in steps if place not in damaged):
        try:
            state, position = _load(place, arrays(abstract))
        except Damaged:
            damaged.append(place)
            continue
        for other in damaged:
            aside = folder.path / f"damaged-{other.name}"
            if is_first():
                shutil.rmtree(aside, ignore_errors=True)
                other.rename(aside)
            told = f"{other} is damaged: it is {aside} now, and the run goes on from step {place.name}"
            tell(console, told)
        all_reach("damaged checkpoints are aside")
        return abstract.replace(**state), position
    if damaged:
        raise ZooError(f"{', '.join(map(str, damaged))} cannot be read: start anew without --resume")
    return None


def metrics_are_whole(place: Path) -> bool:
    """Whether the metrics that a checkpoint was saved with, if with any, can be read."""
    file = place / "metrics" / "metrics"
    if not file.exists():
        return True
    try:
        return isinstance(json.loads(file.read_bytes())["test_accuracy"], float)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _load(place: Path, wanted: dict[str, Any]) -> tuple[dict[str, Any], Position]:
    """What a checkpoint holds. Raises Damaged in all processes where one of them cannot read it."""
    state, record = None, None
    with suppress(Exception):
        record = unsealed(ocp.checkpointables_metadata(place.absolute()).custom_metadata)
    if not all_agree(record is not None):
        raise Damaged
    check_same(place, record["shapes"], wanted)
    try:
        state = ocp.load_checkpointables(place.absolute(), {"state": wanted})["state"]
    except (MemoryError, PermissionError) as error:
        raise ZooError(f"{place} cannot be opened: {error}") from None
    except Exception as error:
        # Orbax has many kinds of errors for a damaged file; what the machine lacks is none.
        if any(lack in str(error) for lack in ("RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "Permission denied")):
            raise ZooError(f"{place} cannot be opened: {reason(error)}") from None
    if not all_agree(state is not None) or checksums(state) != record["checksums"]:
        raise Damaged
    # Orbax gives keys the sharding of their bits.
    return jax.device_put(state, jax.tree.map(lambda leaf: leaf.sharding, wanted)), record["position"]


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
