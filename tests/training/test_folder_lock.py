"""One process a run folder."""

import pytest
from short_runs import CONFIG

import zoo
from zoo.training import RunFolder
from zoo.training.checkpoint.folder_lock import alone_in


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    held = pytest.raises(zoo.ZooError, match=r"another process trains in .*: wait for it")
    with alone_in(tmp_path), held, alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass


def test_a_run_that_goes_on_is_not_moved_aside(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start(CONFIG)
    with alone_in(folder.path), pytest.raises(zoo.ZooError, match="another process trains in"):
        folder.start(CONFIG)
    assert folder.start(CONFIG) == tmp_path / "run.1"
