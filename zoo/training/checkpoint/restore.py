"""Restores a run from its latest checkpoint that is not damaged."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
from rich.console import Console

from zoo.errors import ZooError, list_first
from zoo.runtime.console import print_line
from zoo.runtime.failures import refusal_line
from zoo.runtime.records import InvalidRecord
from zoo.runtime.regular_file import all_regular
from zoo.training.checkpoint.checksums import Damaged, check_shapes, checksums, verified_record
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.checkpoint.saved_metrics import has_readable_metrics, read_metrics
from zoo.training.checkpoint.saved_state import arrays
from zoo.training.distributed import is_first, true_everywhere, wait_for_all
from zoo.training.state import TrainState


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
        restored = abstract.replace(**state)
        # The evaluation may have been made up for after the state and the position were saved.
        if position.evaluation_missing and (metrics := read_metrics(path)):
            position = replace(position, evaluation_missing=False)
            if metrics.ends_epoch:
                restored = restored.after_evaluation(asdict(metrics))
        return restored, position
    if damaged:
        steps = list_first([path.name for path in checkpoints], 3)
        raise ZooError(
            f"all checkpoints in {folder.steps} are damaged ({steps}): restore one of them from a copy, or start a new "
            "run without --resume, which keeps this one under another name"
        )
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
    # Not at the top: it takes Orbax half a second, and `import zoo` reads this file.
    from orbax.checkpoint import v1 as ocp

    state, record, invalid = None, None, None
    try:
        with _refused(checkpoint):
            metadata = ocp.checkpointables_metadata(checkpoint.absolute()).custom_metadata
            record = verified_record(metadata, str(checkpoint))
    except InvalidRecord as error:
        invalid = error
    except Damaged:
        pass
    if not true_everywhere(record is not None) or record is None:
        raise invalid or Damaged
    check_shapes(checkpoint, record.shapes, abstract)
    with suppress(Damaged), _refused(checkpoint):
        state = ocp.load_checkpointables(checkpoint.absolute(), {"state": abstract})["state"]
    if not true_everywhere(state is not None) or checksums(state) != record.checksums:
        raise Damaged
    # Orbax restores a key with the sharding of its underlying bits.
    return jax.device_put(state, jax.tree.map(lambda leaf: leaf.sharding, abstract)), record.position


@contextmanager
def _refused(checkpoint: Path) -> Iterator[None]:
    """Of all that Orbax raises, Damaged, and ZooError where the checkpoint may be whole: no permission, no memory."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        if line := refusal_line(error):
            raise ZooError(f"{checkpoint} cannot be opened: {line}") from None
        raise Damaged from error
