"""Runs in separate processes: killed at any moment, or several that train one network."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from short_runs import final_state

import zoo
from zoo.__main__ import main
from zoo.training import RunFolder
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.distributed import Cluster, join_cluster

ROOT = Path(__file__).parents[2]
AUGMENTED = ["--shift", "2", "--flip", "--erase", "0.5", "--mixup", "0.2", "--aux-heads"]
# SGD: Adam divides by what may be small, and amplifies rounding to more than 1e-5.
OPTIMIZER = ["--optimizer", "sgd", "--learning-rate", "0.02", "--ema", "0.9"]
SHORT = ["--epochs", "4", "--batch-size", "128", *OPTIMIZER, *AUGMENTED]


def started(folder, *arguments, devices=1):
    """`python tests/tiny.py` on digits, in another process with so many simulated devices."""
    command = [sys.executable, str(ROOT / "tests" / "tiny.py"), "--run-dir", str(folder), *SHORT, *arguments]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
    }
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(process, code=0):
    """What it printed, once it is done."""
    output = process.communicate(timeout=300)[0]
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def run_processes(folder, *arguments, count=2, code=0):
    """What each of several processes printed, with two devices each."""
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", str(count)]
    all_of_them = [started(folder, *where, "--process", str(i), *arguments, devices=2) for i in range(count)]
    return [finished(process, code) for process in all_of_them]


def assert_close(ours, theirs, atol):
    """The states' variables and their EMA are the same."""
    for name in ("params", "batch_stats", "average"):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=atol, rtol=1e-5), ours[name], theirs[name])


@pytest.mark.slow
@pytest.mark.parametrize("feed", ["streamed", "resident"])
def test_two_processes_train_as_one_and_one_resumes(tmp_path, feed):
    # The schedule's state is that of all processes.
    plateau = ["--schedule", "plateau", "--plateau-patience", "0", "--plateau-metric", "test_error"]
    short = ["--epochs", "2", "--feed", feed, *plateau]
    finished(started(tmp_path / "alone", *short, devices=4))
    outputs = run_processes(tmp_path / "both", *short)
    assert "test_accuracy=" in outputs[0] and "test_accuracy=" not in outputs[1]
    assert_close(final_state(tmp_path / "both"), final_state(tmp_path / "alone"), 1e-5)
    rows = [json.loads(line) for line in (tmp_path / "both" / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]

    # Without its last checkpoint the run resumes in one process.
    for step in saved_steps(RunFolder(tmp_path / "both"))[1:]:
        shutil.rmtree(tmp_path / "both" / "steps" / str(step))
    finished(started(tmp_path / "both", *short, "--resume", devices=4))
    assert_close(final_state(tmp_path / "both"), final_state(tmp_path / "alone"), 1e-5)


@pytest.mark.slow
def test_sharded_parameters_over_two_processes(tmp_path):
    finished(started(tmp_path / "alone", devices=4))
    run_processes(tmp_path / "both", "--fsdp")
    assert_close(final_state(tmp_path / "both"), final_state(tmp_path / "alone"), 1e-5)


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_at_the_same_step(tmp_path):
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", "--epochs", "100000"]
    both = [started(tmp_path / "run", *where, "--process", str(i), devices=2) for i in range(2)]
    folder = RunFolder(tmp_path / "run")
    while not saved_steps(folder):
        assert all(process.poll() is None for process in both)
        time.sleep(0.1)
    both[1].terminate()
    outputs = [finished(process, 143) for process in both]
    stopped = int(outputs[0].split("saved after step ")[1].split(";")[0])
    assert stopped in saved_steps(folder)


@pytest.mark.slow
def test_killed_at_twenty_moments_it_ends_as_if_never_killed(tmp_path):
    saving = ["--save-every", "5"]
    whole = started(tmp_path / "whole", *saving)
    lasting = seconds_from_recipe(whole)
    generator = random.Random(0)
    folder = RunFolder(tmp_path / "run")
    for _ in range(20):
        process = started(folder.path, *saving, *(["--resume"] if folder.exists() else []))
        read_to_recipe(process)
        # At any time from the first access to the folder to the end, and sometimes after it.
        time.sleep(generator.uniform(0, lasting))
        process.kill()
        process.communicate()
        if final_step(folder) == 44:
            # The run ended: start a new one for the remaining kills.
            check_same_end(folder, tmp_path / "whole")
            shutil.rmtree(folder.path)
    finished(started(folder.path, *saving, *(["--resume"] if folder.exists() else [])))
    check_same_end(folder, tmp_path / "whole")


def read_to_recipe(process):
    """Read what it prints, to the line after which it reads or makes its state."""
    for line in process.stdout:
        if line.startswith("recipe: "):
            return
    raise AssertionError("the run ended before its first step")


def seconds_from_recipe(process):
    """How long a run takes from that line to its end."""
    read_to_recipe(process)
    start = time.monotonic()
    finished(process)
    return time.monotonic() - start


def final_step(folder):
    """The last step that is saved, 0 before the first."""
    return max(saved_steps(folder), default=0)


def check_same_end(folder, whole):
    """The run ended as the one that was never killed."""
    jax.tree.map(np.testing.assert_array_equal, final_state(folder.path), final_state(whole))
    rows = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]


def test_processes_without_a_coordinator_is_one_clear_line(tmp_path):

    assert main(["train", "--model", "lenet5", "--run-dir", str(tmp_path / "run"), "--process", "1"]) == 2


def test_a_coordinator_alone_is_one_clear_line():
    with pytest.raises(zoo.ZooError, match="--coordinator needs --processes and --process too"):
        join_cluster(Cluster("127.0.0.1:1"))


@pytest.mark.slow
def test_processes_where_none_are_known_is_one_clear_line(tmp_path):
    output = finished(started(tmp_path / "run", "--distributed"), code=2)
    assert "cannot connect to the other processes" in output.splitlines()[-1]


@pytest.mark.parametrize(
    "address", ["localhost", "", ":1", "localhost:", "localhost:²", "a b:1", "a:1\n", "http://a:1"]
)
def test_a_coordinator_that_is_no_address_is_one_clear_line(address):
    with pytest.raises(zoo.ZooError, match=r"--coordinator is '.*': it must be HOST:PORT"):
        join_cluster(Cluster(address, 2, 0))


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_a_port_that_cannot_be_is_one_clear_line(port):
    with pytest.raises(zoo.ZooError, match=f"the port of --coordinator is {port}: it must be .* from 1 to 65535"):
        join_cluster(Cluster(f"127.0.0.1:{port}", 2, 0))


def test_an_index_that_no_process_has_is_one_clear_line():
    with pytest.raises(zoo.ZooError, match="--process is 2: with --processes 2 it must be less than that"):
        join_cluster(Cluster("127.0.0.1:1", 2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("failing", [0, 1])
def test_where_one_process_cannot_begin_none_waits_for_it(tmp_path, failing):
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2"]
    data = [["--dataset", str(tmp_path / "nothing")] if i == failing else [] for i in range(2)]
    both = [started(tmp_path / "run", *where, "--process", str(i), *data[i], devices=2) for i in range(2)]
    outputs = [finished(process, 2) for process in both]
    assert "another process cannot start" in outputs[1 - failing]
    assert "nothing" in outputs[failing] and "another process" not in outputs[failing]


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_killed_process_ends_the_others_in_one_line(tmp_path, lost):
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", "--epochs", "100000"]
    both = [started(tmp_path / "run", *where, "--process", str(i), devices=2) for i in range(2)]
    while not saved_steps(RunFolder(tmp_path / "run")):
        assert all(process.poll() is None for process in both)
        time.sleep(0.1)
    both[lost].kill()
    start = time.monotonic()
    output = finished(both[1 - lost], 2)
    assert time.monotonic() - start < 30
    (line,) = last_lines(output)
    assert f"process {lost} of this run has failed or was lost" in line


@pytest.mark.slow
def test_an_image_that_one_process_cannot_read_ends_all(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("one", "two"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(80):
            image = Image.fromarray(generator.integers(0, 256, (16, 16, 3), np.uint8))
            image.save(tmp_path / "photos" / name / f"{index}.png")
    for damaged in (tmp_path / "photos" / "two").glob("[1-3]?.png"):
        damaged.write_bytes(damaged.read_bytes()[:100])
    data = ["--dataset", str(tmp_path / "photos"), "--feed", "streamed", "--batch-size", "4", "--epochs", "9"]
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", *data]
    both = [started(tmp_path / "run", *where, "--process", str(i), devices=2) for i in range(2)]
    outputs = [finished(process, 2) for process in both]
    lines = [last_lines(output) for output in outputs]
    assert all(len(of_one) == 1 for of_one in lines)
    assert any(".png" in of_one[0] for of_one in lines)
    assert all(".png" in of_one[0] or "of this run has failed" in of_one[0] for of_one in lines)


def last_lines(output):
    """The lines from the first error."""
    lines = output.splitlines()
    return lines[next(index for index, line in enumerate(lines) if line.startswith("zoo: ")) :]
