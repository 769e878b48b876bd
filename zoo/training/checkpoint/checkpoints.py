"""Checkpoints: the state of a run and its position, saved in the background.

The training loop waits for a copy of the state. A thread transfers it to the host, computes checksums, writes the files
and removes old checkpoints. A checkpoint gets its final name when it is complete, so a killed process leaves only
complete ones. Checksums of its arrays are stored with it: a checkpoint that is damaged later is detected and skipped.
"""

import errno
import json
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Any

import jax
from rich.console import Console

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.runtime.console import print_line
from zoo.runtime.system_errors import REFUSALS, error_number, reason
from zoo.training.checkpoint.background import in_background
from zoo.training.checkpoint.checksums import with_checksums
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.checkpoint.saved_metrics import metrics_file
from zoo.training.checkpoint.saved_state import arrays
from zoo.training.checkpoint.state_copy import StateCopier
from zoo.training.distributed import global_max, is_first, true_everywhere
from zoo.training.state import TrainState

# How long a process waits for another one's part of a checkpoint; Orbax's default is 20 minutes.
SAVING_TIMEOUT_SECONDS = 300
FAILED_ELSEWHERE = OSError("another process could not write it")

# How a save ended. After a permanent failure, such as a full disk, every later save would fail too.
SAVED, TRANSIENT, PERMANENT = 0, 1, 2
PERMANENT_ERRORS = REFUSALS - {errno.EAGAIN, errno.ENOMEM} | {errno.EFBIG, errno.ENOENT, errno.ENOTDIR}


def open_checkpointer(folder: RunFolder, keep: int) -> Any:
    """Orbax's checkpointer, which keeps the latest `keep` checkpoints and the best. Raises ZooError for an OSError."""
    # Not at the top: it takes Orbax half a second, and `import zoo` reads this file.
    from orbax.checkpoint import v1 as ocp

    policies = ocp.training.preservation_policies
    best = policies.BestN(
        get_metric_fn=lambda metrics: metrics.get("test_accuracy", -1.0), n=1, keep_checkpoints_without_metrics=False
    )
    saving = ocp.Context()
    saving.asynchronous.timeout_secs = SAVING_TIMEOUT_SECONDS
    # In the background Orbax would wait for a folder that cannot be made until the timeout.
    saving.asynchronous.create_directories_asynchronously = False
    try:
        return ocp.training.Checkpointer(
            folder.steps.absolute(),
            save_decision_policy=ocp.training.save_decision_policies.FixedIntervalPolicy(1),
            preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(keep), best]),
            cleanup_tmp_directories=True,
            context=saving,
        )
    except OSError as error:
        raise ZooError(f"cannot open the checkpoints in {folder.steps}: {reason(error)}") from None


class Checkpoints:
    """A context manager that saves in the background; its exit waits for the last save.

    After a permanent failure of a save, such as a full disk or a lost permission, the next call raises ZooError. After
    any other failure a line is printed, and the next save tries again. Earlier checkpoints stay. A save that fails in
    one process counts as failed in all.
    """

    def __init__(self, folder: RunFolder, keep: int, console: Console) -> None:
        self._folder, self._keep, self._console = folder, keep, console
        self._copier = StateCopier()
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
            copy = self._copier.copy(arrays(state))
            if jax.process_count() == 1:
                self._writing = in_background(lambda: self._start(copy, position, metrics).result())
            else:
                self._writing = self._start(copy, position, metrics)
        except Exception as error:
            failure = error
        self._end_save(failure, global_max(_severity(failure)), written=False)

    def _start(self, copy: Any, position: Mapping[str, Any], metrics: Mapping[str, float | None] | None) -> Any:
        """Transfer the arrays to the host, and start to write them; the result has a method `result`, which waits.

        Of several processes all call it in the thread that computes: they exchange checksums over their devices.
        """
        return self._checkpointer.save_checkpointables_async(
            self._step, {"state": copy}, metrics=metrics, custom_metadata=with_checksums(position, copy)
        )

    def poll(self) -> None:
        """End a save that has finished in the background, so that its failure is known before the next one.

        It does nothing in one of several processes, which would have to wait for each other.
        """
        if self._writing and jax.process_count() == 1 and self._writing.done():
            self.wait()

    def wait(self, *, agreed: bool = True) -> None:
        """Wait for the current save. With `agreed`, which all processes must call, it counts if all have written it.

        Raises ZooError for a permanent failure, if `agreed`.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        failure = None
        try:
            writing.result()
        except Exception as error:
            failure = error
        severity = global_max(_severity(failure)) if agreed else min(_severity(failure), TRANSIENT)
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
        with suppress(OSError):
            self.last_saved = max(saved_steps(self._folder), default=self.last_saved)
        failed = f"the checkpoint of step {self._step} could not be saved ({reason(failure or FAILED_ELSEWHERE)})"
        if severity == PERMANENT:
            raise ZooError(f"{failed}: the run ends; {self.resume_hint()}")
        kept = "there is none yet" if self.last_saved is None else f"the last one is of step {self.last_saved}"
        print_line(self._console, f"{failed}: the run continues, and the next save tries again; {kept}")
        # A new one also removes unfinished files.
        self._checkpointer = open_checkpointer(self._folder, self._keep)


def _severity(failure: Exception | None) -> int:
    return SAVED if failure is None else PERMANENT if error_number(failure) in PERMANENT_ERRORS else TRANSIENT
