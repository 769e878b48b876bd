"""Checkpoints that are damaged, missing, of another run, or have no room."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from short_runs import CONFIG, Printed, final_params, run, with_recipe

import zoo
from zoo.runtime.system_errors import reason
from zoo.training import RunFolder
from zoo.training.checkpoint import restore
from zoo.training.checkpoint.checksums import Damaged, checksums, verified_record, with_checksums
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.config.run_options import RunOptions, parse_interval
from zoo.training.evaluation import Evaluator
from zoo.training.schedule import most_checkpoints

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "whole"
    run(path, keep=3)
    return path


def files_of(step):
    """The files of a checkpoint that can be damaged: arrays, their index, the other metadata, the metrics."""
    arrays = max((file for file in (step / "state").rglob("d/*")), key=lambda file: file.stat().st_size)
    return {
        "arrays": arrays,
        "index": step / "state" / "manifest.ocdbt",
        "beside": step / "_CHECKPOINT_METADATA",
        "metrics": step / "metrics" / "metrics",
    }


# File and position in it. The end of the file of arrays and the name of the test loss are never read.
FLIPPED = [("arrays", 0.5), ("metrics", 0.5)]
FLIPPED_SLOWLY = [
    ("arrays", 0.1),
    ("metrics", 0.9),
    *((part, at) for part in ("index", "beside") for at in (0.1, 0.5, 0.9)),
]


@pytest.mark.parametrize(
    ("part", "position"), [*FLIPPED, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in FLIPPED_SLOWLY)]
)
def test_a_flipped_byte_goes_back_to_an_earlier_checkpoint(finished, tmp_path, part, position):
    path = shutil.copytree(finished, tmp_path / "run")
    file = files_of(path / "steps" / "12")[part]
    content = bytearray(file.read_bytes())
    content[int(position * len(content))] ^= 0x10
    file.write_bytes(content)
    printed = Printed()
    assert run(path, resume=True, printed=printed).step == 12
    lines = [line for line in printed.lines if "damaged" in line]
    assert len(lines) == 1 and "the run continues from step 8" in lines[0]
    assert (path / "damaged-12").is_dir()
    jax.tree.map(np.testing.assert_array_equal, final_params(path), final_params(finished))


@pytest.mark.parametrize("damage", ["truncated", "empty", "gone"])
def test_files_that_are_cut_off_or_missing(finished, tmp_path, damage):
    path = shutil.copytree(finished, tmp_path / "run")
    for file in (path / "steps" / "12" / "state").rglob("*"):
        if file.is_file():
            if damage == "gone":
                file.unlink()
            else:
                file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 if damage == "truncated" else 0])
    printed = Printed()
    assert run(path, resume=True, printed=printed).step == 12
    assert any("12 is damaged" in line and "from step 8" in line for line in printed.lines)


def test_a_missing_step_folder(finished, tmp_path):
    path = shutil.copytree(finished, tmp_path / "run")
    shutil.rmtree(path / "steps" / "12")
    assert run(path, resume=True).step == 12
    jax.tree.map(np.testing.assert_array_equal, final_params(path), final_params(finished))


def test_all_checkpoints_damaged_is_one_clear_line_and_moves_nothing(finished, tmp_path):
    path = shutil.copytree(finished, tmp_path / "run")
    for file in (path / "steps").rglob("manifest.ocdbt"):
        file.write_bytes(b"no")
    with pytest.raises(zoo.ZooError, match=r"steps/12, .*steps/8, .*steps/4 cannot be read") as error:
        run(path, resume=True)
    assert "\n" not in str(error.value)
    assert saved_steps(RunFolder(path)) == [4, 8, 12]


def test_a_checkpoint_of_another_optimizer_names_both_sides(finished, tmp_path):
    path = shutil.copytree(finished, tmp_path / "run")
    text = (path / "config.json").read_text().replace('"optimizer": "adamw"', '"optimizer": "sgd"')
    (path / "config.json").write_text(text)
    with pytest.raises(zoo.ZooError, match=r"another network or optimizer: missing opt_state.*; unexpected opt_state"):
        run(path, resume=True)
    assert saved_steps(RunFolder(path)) == [4, 8, 12]


@pytest.mark.parametrize("text", ["{", '{"test_accurac9": 0.5}', "\xff"])
def test_damaged_metrics_of_an_earlier_checkpoint(finished, tmp_path, text):
    path = shutil.copytree(finished, tmp_path / "run")
    (path / "steps" / "4" / "metrics" / "metrics").write_text(text, "latin-1")
    printed = Printed()
    assert run(path, resume=True, printed=printed).step == 12
    assert any("steps/4 is damaged" in line and "from step 12" in line for line in printed.lines)


def test_the_last_and_the_best_are_kept(tmp_path, monkeypatch):
    accuracies = iter([0.9, 0.5, 0.6, 0.7])

    def measured(*args):
        return {"test_loss": 1.0, "test_accuracy": next(accuracies)}

    monkeypatch.setattr(Evaluator, "evaluate", measured)
    run(tmp_path / "run", config=with_recipe(epochs=4), keep=2)
    assert saved_steps(RunFolder(tmp_path / "run")) == [4, 12, 16]


def test_a_folder_that_cannot_be_written_is_reported_at_the_start(finished, tmp_path, monkeypatch):
    def refused(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    with pytest.raises(zoo.ZooError, match=r"cannot write in the run folder .*: Permission denied"):
        run(shutil.copytree(finished, tmp_path / "run"), resume=True)


def test_checksums_find_any_flipped_bit():
    array = np.arange(40, dtype=np.float32)
    for bit in range(32):
        other = array.view(np.uint32).copy()
        other[7] ^= np.uint32(1 << bit)
        assert checksums({"a": jax.numpy.asarray(array)}) != checksums({"a": jax.numpy.asarray(other.view(np.float32))})


def test_the_other_metadata_is_checked():
    kept = with_checksums({"next_index": 12}, {"params": jax.numpy.ones((2, 3))})  # as the first version wrote it
    record = verified_record(kept, "12")
    assert record.position == Position(feed={"next_index": 12}) and record.shapes == {"params": [2, 3]}
    for damaged in ({**kept, "record": kept["record"].replace("12", "13")}, {**kept, "crc32": "1"}, None):
        with pytest.raises(Damaged):
            verified_record(damaged, "12")


def test_a_whole_checkpoint_of_a_newer_version_is_not_renamed_as_damaged(finished, tmp_path, monkeypatch):
    path = shutil.copytree(finished, tmp_path / "run")
    newer = with_checksums({"feed": {}, "shard": 1}, {})
    monkeypatch.setattr(restore, "verified_record", lambda metadata, where: verified_record(newer, where))
    with pytest.raises(zoo.ZooError, match=r"steps/12: position\.shard is a field that this version"):
        run(path, resume=True)
    assert saved_steps(RunFolder(path)) == [4, 8, 12]


TOO_MANY, NOT_ALLOWED = OSError(errno.EMFILE, "Too many open files"), PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("reads", "error"),
    [
        ("orbax.checkpoint.v1.checkpointables_metadata", TOO_MANY),
        ("orbax.checkpoint.v1.checkpointables_metadata", MemoryError()),
        ("orbax.checkpoint.v1.load_checkpointables", TOO_MANY),
        ("orbax.checkpoint.v1.load_checkpointables", NOT_ALLOWED),
        ("zoo.training.checkpoint.saved_metrics.read_regular", TOO_MANY),
        ("zoo.training.checkpoint.saved_metrics.read_regular", NOT_ALLOWED),
    ],
)
def test_what_the_system_refuses_to_read_is_not_called_damaged(finished, monkeypatch, reads, error):
    """It would be renamed, and its steps would be trained again."""

    def refused(*args, **kwargs):
        raise error

    monkeypatch.setattr(reads, refused)
    with pytest.raises(zoo.ZooError, match=r"steps/12") as stopped:
        run(finished, resume=True)
    assert "damaged" not in str(stopped.value)
    assert saved_steps(RunFolder(finished)) == [4, 8, 12]


def test_a_folder_of_checkpoints_that_cannot_be_read_is_not_an_empty_one(monkeypatch, finished):
    def refused(self):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(PermissionError):
        saved_steps(RunFolder(finished))


def test_a_disk_without_room_is_reported_before_the_run(monkeypatch, tmp_path):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(zoo.ZooError, match="has room for 0 MB, and 4 checkpoints of this run need"):
        run(tmp_path / "run")


def test_a_save_that_fails_is_reported_and_tried_again(monkeypatch, tmp_path):
    from orbax.checkpoint import v1 as ocp

    save, failures = ocp.training.Checkpointer.save_checkpointables_async, iter([False, True, False])

    def failing(self, step, *args, **kwargs):
        if next(failures):
            raise ValueError("DEADLINE_EXCEEDED: the network file system did not answer")
        return save(self, step, *args, **kwargs)

    monkeypatch.setattr(ocp.training.Checkpointer, "save_checkpointables_async", failing)
    printed = Printed()
    assert run(tmp_path / "run", printed=printed).step == 12
    (line,) = (line for line in printed.lines if "could not be saved" in line)
    assert "step 8 could not be saved (DEADLINE_EXCEEDED" in line
    assert "the last one is of step 4" in line
    assert saved_steps(RunFolder(tmp_path / "run")) == [4, 12]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("RESOURCE_EXHAUSTED: Failed to write 7 bytes: No space left on device [os_error_code='28']"),
        PermissionError(errno.EACCES, "Permission denied"),
    ],
)
def test_a_permanent_failure_of_a_save_ends_the_run(monkeypatch, tmp_path, error):
    from orbax.checkpoint import v1 as ocp

    save = ocp.training.Checkpointer.save_checkpointables_async

    def failing(self, step, *args, **kwargs):
        if step == 8:
            raise error
        return save(self, step, *args, **kwargs)

    with monkeypatch.context() as patched, pytest.raises(zoo.ZooError, match="step 8 could not be saved") as ended:
        patched.setattr(ocp.training.Checkpointer, "save_checkpointables_async", failing)
        run(tmp_path / "run")
    assert "--resume continues from step 4" in str(ended.value) and reason(error) in str(ended.value)
    assert saved_steps(RunFolder(tmp_path / "run")) == [4]


def test_a_folder_that_cannot_be_written_any_more_ends_the_run_at_once(monkeypatch, tmp_path, finished):
    """Orbax, which makes folders in the background by default, would wait for minutes."""
    mkdir = os.mkdir

    def refused(path, *args, **kwargs):
        if ".orbax-checkpoint-tmp" in str(path) and "/8." in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        mkdir(path, *args, **kwargs)

    started = time.monotonic()
    with monkeypatch.context() as patched, pytest.raises(zoo.ZooError, match=r"step 8 .*Permission denied.* step 4"):
        patched.setattr(os, "mkdir", refused)
        run(tmp_path / "run")
    assert time.monotonic() - started < 60
    assert run(tmp_path / "run", resume=True).step == 12
    jax.tree.map(np.testing.assert_array_equal, final_params(tmp_path / "run"), final_params(finished))


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 2), ({"eval_every": 2}, 3), ({"save_every": "2", "keep": 9}, 3), ({"save_every": "1m"}, 4)],
)
def test_how_many_checkpoints_a_run_of_one_epoch_needs_room_for(options, count):
    assert most_checkpoints(with_recipe(epochs=1).recipe, RunOptions(**options), 2) == count


FULL_DISK = """
mount -t tmpfs -o size=700k none "$1" || exit 77
shift
exec "$@"
"""


@pytest.mark.slow
def test_a_full_disk_loses_nothing_that_was_saved(tmp_path):
    if not shutil.which("unshare"):
        pytest.skip("needs unshare")
    (tmp_path / "disk").mkdir()
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    begin = ["unshare", *own, "--mount", "bash", "-c", FULL_DISK, "bash", str(tmp_path / "disk")]
    done = subprocess.run(
        [*begin, sys.executable, str(Path(__file__).with_name("full_disk.py")), str(tmp_path / "disk" / "run")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode == 77:
        pytest.skip("may not mount a small disk here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "could not be saved (No space left on device" in done.stdout
    assert "resumed from step" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "parsed"), [("", (0, 0.0)), ("500", (500, 0.0)), ("10m", (0, 600.0)), ("0.5m", (0, 30.0))]
)
def test_how_often_to_save(text, parsed):
    assert parse_interval(text) == parsed


@pytest.mark.parametrize("text", ["0", "-5", "m", "0m", "ten", "5s", "nanm", "infm", "1.5"])
def test_how_often_to_save_is_checked(text):
    with pytest.raises(zoo.ZooError, match="save_every is "):
        RunOptions(save_every=text)


def test_checkpoints_between_evaluations(tmp_path):
    run(tmp_path / "run", save_every="3", config=with_recipe(epochs=2), keep=9)
    assert saved_steps(RunFolder(tmp_path / "run")) == [3, 4, 6, 8]


def test_the_configuration_is_complete_or_missing(tmp_path, monkeypatch):
    def broken(self, *args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", broken)
    with pytest.raises(zoo.ZooError, match="No space left on device"):
        RunFolder(tmp_path / "run").start(CONFIG)
    assert not list((tmp_path / "run").iterdir())


def test_a_run_from_before_the_warmup_of_batch_norm_resumes_without_it(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start(CONFIG)
    stored = json.loads(folder.config_file.read_text())
    assert stored["recipe"].pop("batch_norm_warmup") and folder.read_config().recipe.batch_norm_warmup
    folder.config_file.write_text(json.dumps(stored))
    assert folder.read_config() == with_recipe(batch_norm_warmup=False)
