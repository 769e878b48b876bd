"""When checkpoints are saved and kept, and what happens where there is no room or a save fails."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from short_runs import Printed, run, with_recipe

import zoo
from zoo.runtime.system_errors import reason
from zoo.training import RunFolder
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.config.run_options import RunOptions, parse_interval
from zoo.training.evaluation import Evaluator
from zoo.training.logging.rows import MAX_ROWS
from zoo.training.schedule import check_rows, max_checkpoints

pytestmark = pytest.mark.usefixtures("tiny")


def test_the_last_and_the_best_are_kept(tmp_path, monkeypatch):
    accuracies = iter([0.9, 0.5, 0.6, 0.7])

    def measured(*args):
        return {"test_loss": 1.0, "test_accuracy": next(accuracies)}

    monkeypatch.setattr(Evaluator, "evaluate", measured)
    run(tmp_path / "run", config=with_recipe(epochs=4), keep=2)
    assert saved_steps(RunFolder(tmp_path / "run")) == [4, 12, 16]


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


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 2), ({"eval_every": 2}, 3), ({"save_every": "2", "keep": 9}, 3), ({"save_every": "1m"}, 4)],
)
def test_how_many_checkpoints_a_run_of_one_epoch_needs_room_for(options, count):
    assert max_checkpoints(with_recipe(epochs=1).recipe, RunOptions(**options), 2) == count


@pytest.mark.parametrize("options", [{"log_every": 1}, {"eval_every": 1}])
def test_a_run_of_more_rows_than_are_read_is_refused(options):
    recipe = with_recipe(epochs=1).recipe
    check_rows(recipe, RunOptions(**options), MAX_ROWS - 1)
    with pytest.raises(zoo.ZooError, match=r"250,001: .*--log-every"):
        check_rows(recipe, RunOptions(**options), MAX_ROWS)


FULL_DISK = """
mount -t tmpfs -o size=700k none "$1" || exit 77
shift
exec "$@"
"""


def lost_place(beginning, folder, whole, kind):
    """What lost_place.py prints."""
    script = str(Path(__file__).with_name("lost_place.py"))
    command = [*beginning, sys.executable, script, str(folder), str(whole), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode == 77:
        pytest.skip("may not mount a small disk here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resumed from step" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_full_disk_loses_nothing_that_was_saved(tmp_path):
    if not shutil.which("unshare"):
        pytest.skip("needs unshare")
    (tmp_path / "disk").mkdir()
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    beginning = ["unshare", *own, "--mount", "bash", "-c", FULL_DISK, "bash", str(tmp_path / "disk")]
    printed = lost_place(beginning, tmp_path / "disk" / "run", tmp_path / "whole", "full")
    assert "could not be saved (No space left on device" in printed


@pytest.mark.slow
def test_lost_permission_loses_nothing_that_was_saved(tmp_path):
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root needs setpriv to be asked for permission")
    obeying = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    assert "Permission denied" in lost_place(obeying, tmp_path / "run", tmp_path / "whole", "permission")


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
