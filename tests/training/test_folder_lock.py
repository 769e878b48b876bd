"""Only one process trains in a run folder."""

import pytest
from short_runs import CONFIG

import zoo
from zoo.training import RunFolder
from zoo.training.checkpoint.folder_lock import lock_folder


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    held = pytest.raises(zoo.ZooError, match=r"another process trains in .*: wait for it")
    with lock_folder(tmp_path), held, lock_folder(tmp_path):
        pass
    with lock_folder(tmp_path):
        pass


def test_the_folder_of_a_running_run_is_not_renamed(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start(CONFIG)
    with lock_folder(folder.path), pytest.raises(zoo.ZooError, match="another process trains in"):
        folder.start(CONFIG)
    assert folder.start(CONFIG) == tmp_path / "run.1"
