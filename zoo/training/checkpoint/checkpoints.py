"""Checkpoints: the state of a run and its position, saved in the background and restored.

A checkpoint gets its final name when it is complete, so a killed process leaves only complete ones. Checksums of its
arrays are stored with it: a checkpoint that is damaged later is detected and skipped.
"""

import errno
import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp
from rich.console import Console

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.runtime.console import print_line
from zoo.runtime.records import InvalidRecord
from zoo.runtime.regular_file import all_regular
from zoo.runtime.system_errors import REFUSALS, error_number, reason
from zoo.training.checkpoint.checksums import Damaged, check_shapes, checksums, verified_record, with_checksums
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.checkpoint.saved_metrics import has_readable_metrics, metrics_file
from zoo.training.distributed import global_max, is_first, true_everywhere, wait_for_all
from zoo.training.state import TrainState

POLICIES = ocp.training.preservation_policies
SAVE = ocp.training.save_decision_policies

# How long a process waits for another one's part of a checkpoint; Orbax's default is 20 minutes.
SAVING_TIMEOUT_SECONDS = 300
FAILED_ELSEWHERE = OSError("another process could not write it")

# How a save ended. What LASTS does not mend itself, such as a full disk: every later save would fail too.
SAVED, FAILED, LASTS = 0, 1, 2
LASTING = REFUSALS - {errno.EAGAIN, errno.ENOMEM} | {errno.ENOENT, errno.ENOTDIR}


def open_checkpointer(folder: RunFolder, keep: int) -> ocp.training.Checkpointer:
    """Orbax's checkpointer, which keeps the latest `keep` checkpoints and the best. Raises ZooError for an OSError."""
    best = POLICIES.BestN(
        get_metric_fn=lambda metrics: metrics.get("test_accuracy", -1.0), n=1, keep_checkpoints_without_metrics=False
    )
    # In the background Orbax would wait for a folder that cannot be made until the timeout.
    saving = ocp.options.AsyncOptions(timeout_secs=SAVING_TIMEOUT_SECONDS, create_directories_asynchronously=False)
    try:
        return ocp.training.Checkpointer(
            folder.steps.absolute(),
            save_decision_policy=SAVE.FixedIntervalPolicy(1),
            preservation_policy=POLICIES.AnyPreservationPolicy([POLICIES.LatestN(keep), best]),
            cleanup_tmp_directories=True,
            context=ocp.Context(async_options=saving),
        )
    except OSError as error:
        raise ZooError(f"cannot open the checkpoints in {folder.steps}: {reason(error)}") from None


class Checkpoints:
    """A context manager that saves in the background; its exit waits for the last save.

    A save that fails for what lasts, such as a full disk or a lost permission, raises ZooError at the next call. After
    any other failure a line is printed, and the next save tries again. Earlier checkpoints stay. A save that fails in
    one process counts as failed in all.
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
            # Orbax repeats a failure of a save; the error that ends the run names it already.
            with nullcontext() if kind is None else suppress(Exception):
                self._checkpointer.close()

    def save(
        self, state: TrainState, position: Mapping[str, Any], metrics: Mapping[str, float | None] | None = None
    ) -> None:
        """Wait for the previous save, then start to save the state and its position, which must be JSON.

        `metrics` are those of an evaluation of this state, by which the best checkpoint is found. A step that is saved
        already only gets its metrics.
        """
        self.wait()
        self._step = int(state.step)
        if self.last_saved is not None and self.last_saved >= self._step:
            if metrics is not None and self.last_saved == self._step:
                self._add_metrics(metrics)
            return
        failure = None
        try:
            # A copy, as the next step donates the state's memory.
            copy = jax.block_until_ready(jax.tree.map(jnp.copy, arrays(state)))
            self._writing = self._checkpointer.save_checkpointables_async(
                self._step, {"state": copy}, metrics=metrics, custom_metadata=with_checksums(position, copy)
            )
        except Exception as error:
            failure = error
        self._end_save(failure, global_max(_severity(failure)), written=False)

    def poll(self) -> None:
        """End a save that has finished in the background, so that its failure is known before the next one.

        It does nothing in one of several processes, which would have to wait for each other.
        """
        if self._writing and jax.process_count() == 1 and not self._checkpointer.is_saving_in_progress():
            self.wait()

    def wait(self, *, agreed: bool = True) -> None:
        """Wait for the current save. With `agreed`, which all processes must call, it counts if all have written it.

        Raises ZooError for a failure that lasts, if `agreed`.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        failure = None
        try:
            writing.result()
        except Exception as error:
            failure = error
        severity = global_max(_severity(failure)) if agreed else min(_severity(failure), FAILED)
        self._end_save(failure, severity, written=True)

    def require(self, step: int) -> None:
        """Wait for the current save. Raises ZooError if that step is not saved."""
        self.wait()
        if self.last_saved != step:
            raise ZooError(f"the run ended at step {step}, which could not be saved; {self.resume_hint()}")

    def resume_hint(self) -> str:
        """From where the run can be resumed, for a message."""
        self.wait()
        if self.last_saved is None:
            return "nothing was saved before, --resume starts again"
        return f"--resume continues from step {self.last_saved}, in {self._folder.steps}"

    def _add_metrics(self, metrics: Mapping[str, float | None]) -> None:
        """Store the metrics of a checkpoint that was saved without them, as its evaluation was stopped."""
        failure: Exception | None = None
        if is_first():
            try:
                file = metrics_file(self._folder.steps / str(self._step))
                file.parent.mkdir(exist_ok=True)
                with replacing(file) as unfinished:
                    unfinished.write_text(json.dumps(metrics))
            except (OSError, ZooError) as error:
                failure = error
        if not true_everywhere(failure is None):
            why = reason(failure or FAILED_ELSEWHERE)
            print_line(self._console, f"the metrics of step {self._step} could not be saved with its checkpoint: {why}")
        # Orbax's checkpointer keeps the metrics that it has read.
        self._checkpointer.close()
        self._checkpointer = open_checkpointer(self._folder, self._keep)

    def _end_save(self, failure: Exception | None, severity: int, *, written: bool) -> None:
        if severity == SAVED:
            if written:
                self.last_saved = self._step
            return
        self._writing = None
        # Orbax's checkpointer reports a failure again at its next call.
        with suppress(Exception):
            self._checkpointer.close()
        # It may have failed after the checkpoint was complete, while an old one was being removed.
        self.last_saved = max(saved_steps(self._folder), default=self.last_saved)
        failed = f"the checkpoint of step {self._step} could not be saved ({reason(failure or FAILED_ELSEWHERE)})"
        if severity == LASTS:
            raise ZooError(f"{failed}: the run ends; {self.resume_hint()}")
        kept = "there is none yet" if self.last_saved is None else f"the last one is of step {self.last_saved}"
        print_line(self._console, f"{failed}: the run continues, and the next save tries again; {kept}")
        # A new one also removes unfinished files.
        self._checkpointer = open_checkpointer(self._folder, self._keep)


def _severity(failure: Exception | None) -> int:
    return SAVED if failure is None else LASTS if error_number(failure) in LASTING else FAILED


def check_free_space(folder: RunFolder, state: Any, count: int) -> None:
    """Raises ZooError if the run folder cannot be written, or its disk has no room for so many checkpoints at a time.

    `state` may have shapes instead of arrays.
    """
    if not folder.path.is_dir():
        raise ZooError(f"{folder.path} does not exist: all processes must see the same run folder")
    try:
        with tempfile.TemporaryFile(dir=folder.path):
            pass
    except OSError as error:
        raise ZooError(f"cannot write in the run folder {folder.path}: {reason(error)}") from None
    checkpoint_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(arrays(state)))
    existing = sum(file.stat().st_size for file in folder.steps.rglob("*") if file.is_file())
    needed, free = checkpoint_bytes * count - existing, shutil.disk_usage(folder.path).free
    if needed > free:
        raise ZooError(
            f"{folder.path} has room for {free / 2**20:.0f} MB, and {count} checkpoints of this run need "
            f"{needed / 2**20:.0f}: free some space, or choose another folder with --run-dir"
        )


def restore(folder: RunFolder, abstract: TrainState, console: Console) -> tuple[TrainState, Position] | None:
    """The latest undamaged state, with the shardings of `abstract`, and its position; None without checkpoints.

    Damaged checkpoints that are newer, or whose metrics are unreadable, are renamed, and a line reports it. Raises
    ZooError if all are damaged, or if one cannot be opened or belongs to another network or optimizer.
    """
    checkpoints = [folder.steps / str(step) for step in reversed(saved_steps(folder))]
    # Orbax's checkpointer would not open with unreadable metrics in any of them, and would wait for a pipe.
    damaged = [path for path in checkpoints if not all_regular(path) or not has_readable_metrics(path)]
    for path in (path for path in checkpoints if path not in damaged):
        try:
            state, position = _load(path, arrays(abstract))
        except Damaged:
            damaged.append(path)
            continue
        _rename_damaged(damaged, folder, console, resumed=path.name)
        # The evaluation may have been made up for after the position was saved.
        if position.evaluation_missing and metrics_file(path).exists():
            position = replace(position, evaluation_missing=False)
        return abstract.replace(**state), position
    if damaged:
        raise ZooError(f"{', '.join(map(str, damaged))} cannot be read: start a new run without --resume")
    return None


def _rename_damaged(damaged: list[Path], folder: RunFolder, console: Console, *, resumed: str) -> None:
    for path in damaged:
        renamed = folder.path / f"damaged-{path.name}"
        if is_first():
            shutil.rmtree(renamed, ignore_errors=True)
            path.rename(renamed)
        print_line(console, f"{path} is damaged: it is now {renamed}, and the run continues from step {resumed}")
    wait_for_all("damaged checkpoints are renamed")


def _load(checkpoint: Path, abstract: dict[str, Any]) -> tuple[dict[str, Any], Position]:
    """The arrays and the position of a checkpoint. Raises Damaged in all processes if one of them cannot read it.

    Raises ZooError for a record that is whole and not of this version, and as `check_shapes`.
    """
    state, record, invalid = None, None, None
    try:
        record = verified_record(ocp.checkpointables_metadata(checkpoint.absolute()).custom_metadata, str(checkpoint))
    except InvalidRecord as error:
        invalid = error
    except Exception:
        pass  # damaged, for Orbax or for us
    if not true_everywhere(record is not None):
        raise invalid or Damaged
    check_shapes(checkpoint, record.shapes, abstract)
    try:
        state = ocp.load_checkpointables(checkpoint.absolute(), {"state": abstract})["state"]
    except (MemoryError, PermissionError) as error:
        raise ZooError(f"{checkpoint} cannot be opened: {error}") from None
    except Exception as error:
        # Orbax raises many classes of errors for a damaged file. Missing memory or permission is not damage.
        if any(lack in str(error) for lack in ("RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "Permission denied")):
            raise ZooError(f"{checkpoint} cannot be opened: {reason(error)}") from None
    if not true_everywhere(state is not None) or checksums(state) != record.checksums:
        raise Damaged
    # Orbax restores a key with the sharding of its underlying bits.
    return jax.device_put(state, jax.tree.map(lambda leaf: leaf.sharding, abstract)), record.position


def arrays(state: TrainState) -> dict[str, Any]:
    """The arrays of a state that are saved, by field."""
    saved = {
        "step": state.step,
        "key": state.key,
        "params": state.params,
        "batch_stats": state.batch_stats,
        "opt_state": state.opt_state,
    }
    return {**saved, "average": state.average} if state.average else saved


def abstract_like(state: TrainState, sharding: Any) -> TrainState:
    """The state's shapes and dtypes, with the shardings of a tree like it."""
    return jax.tree.map(lambda leaf, to: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=to), state, sharding)
