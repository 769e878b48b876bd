"""Checkpoints that are damaged, missing or of another run, and what the system refuses."""

import errno
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from short_runs import CONFIG, Printed, final_params, run, with_recipe

import zoo
from zoo.runtime.records import InvalidRecord
from zoo.training import RunFolder
from zoo.training.checkpoint import restore
from zoo.training.checkpoint.checksums import Damaged, checksums, verified_record, with_checksums
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.run_folder import saved_steps

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
    with pytest.raises(zoo.ZooError, match=r"run/steps are damaged \(12, 8, 4\): .* without --resume") as error:
        run(path, resume=True)
    assert "\n" not in str(error.value)
    assert saved_steps(RunFolder(path)) == [4, 8, 12]


@pytest.mark.parametrize(
    ("field", "advice"), [('"seed": 0.5', "correct this file"), ('"sed": 1', "update zoo, or correct this file")]
)
def test_a_wrong_field_of_the_configuration_says_what_to_do(finished, tmp_path, field, advice):
    path = tmp_path / "run"
    path.mkdir()
    (path / "config.json").write_text((finished / "config.json").read_text().replace('"seed": 0', field))
    with pytest.raises(InvalidRecord, match=rf"config\.json: recipe\.se?e?d.*; {advice}"):
        RunFolder(path).read_config()


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
    ("function", "error"),
    [
        ("orbax.checkpoint.v1.checkpointables_metadata", TOO_MANY),
        ("orbax.checkpoint.v1.checkpointables_metadata", MemoryError()),
        ("orbax.checkpoint.v1.load_checkpointables", TOO_MANY),
        ("orbax.checkpoint.v1.load_checkpointables", NOT_ALLOWED),
        ("zoo.training.checkpoint.saved_metrics.read_regular", TOO_MANY),
        ("zoo.training.checkpoint.saved_metrics.read_regular", NOT_ALLOWED),
    ],
)
def test_what_the_system_refuses_to_read_is_not_called_damaged(finished, monkeypatch, function, error):
    """It would be renamed, and its steps would be trained again."""

    def refused(*args, **kwargs):
        raise error

    monkeypatch.setattr(function, refused)
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
