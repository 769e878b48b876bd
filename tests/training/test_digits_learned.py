"""Networks without batch norm, whose initial values are of their time, learn the digits with the default command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.training import RunFolder
from zoo.training.logging.rows import best_evaluation, read_evaluations

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet5_1998", "alexnet_2012", "nin_cifar10", "squeezenet1_1"])
def test_the_default_command_learns_the_digits(tmp_path, name):
    # In a process with the optimisations of XLA, which tests do without.
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    command = [sys.executable, "-m", "zoo", "train", "--model", name, "--run-dir", str(tmp_path / "run")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert best_evaluation(read_evaluations(RunFolder(tmp_path / "run")))["test_accuracy"] > 0.9
