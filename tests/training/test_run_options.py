"""How a run is carried out, from the command line."""

import json

import pytest

from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.training import RunFolder, RunOptions


def test_a_run_with_every_option_resumes_with_none(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    folder = RunFolder(tmp_path / "run")
    begin = ["--model", "lenet5", "--run-dir", str(folder.path)]
    assert main(["train", *begin, "--epochs", "1", "--batch-size", "64", "--tensorboard", "--profile"]) == 0
    assert "profiled steps 5 to 14: " in capsys.readouterr().out.replace("\n", " ")
    assert list(folder.profile.rglob("*.xplane.pb")) and list(folder.tensorboard.iterdir())
    assert folder.curves_file.exists()
    (measured,) = map(json.loads, folder.metrics_file.read_text().splitlines())
    assert measured["utilisation"] is None and measured["images_per_second"] > 0
    assert main(["train", *begin, "--resume"]) == 0
    assert main(["train", *begin, "--resume", "--tensorboard", "--no-profile"]) == 0


def test_help_has_them_in_a_separate_group(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    assert "--tensorboard, --no-tensorboard" in text[text.index("\nrun options:") :]
    assert "--save-every N|Nm" in text and "--freeze LAYERS" in text and "--keep N " in text


def test_more_workers_than_any_machine_has_cores_are_refused():
    assert RunOptions(workers=64).workers == 64
    with pytest.raises(ZooError, match="workers"):
        RunOptions(workers=10**6)
