"""benchmarks/gpu.py: what is cut or fails loses nothing that was found before, and no part starts without its time."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def python(code):
    return [sys.executable, "-u", "-c", code]


@pytest.fixture
def results(tmp_path):
    from gpu_parts.results import Results

    return Results(tmp_path)


def stored(folder):
    return json.loads((folder / "results.json").read_text())


def test_rows_are_kept_of_a_part_that_is_stopped(results, tmp_path, capsys):
    """With a child that ignores the request to end, and holds the pipe."""
    import gpu

    code = """if True:
        import subprocess, sys, time
        print('row: {"table": "speed", "images/s": 1234.5}')
        print('row: {"table": "cut')
        deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
        subprocess.Popen([sys.executable, "-c", deaf])
        time.sleep(60)
    """
    start = time.monotonic()
    outcome = gpu.run_part(python(code), dict(os.environ), 3.0, results.add_line)
    results.end_part("speed", outcome, 1.0)
    assert time.monotonic() - start < 50 and outcome.startswith("stopped")
    assert stored(tmp_path)["rows"] == [{"table": "speed", "images/s": 1234.5}]
    assert "| 1,234 |" in (tmp_path / "table.md").read_text() and results.any_failed
    assert "cut" in (tmp_path / "log.txt").read_text()


def test_how_a_part_ended(results):
    import gpu

    assert gpu.run_part(python("pass"), dict(os.environ), 60, results.add_line) == "ran"
    assert gpu.run_part(python("raise SystemExit(3)"), dict(os.environ), 60, results.add_line).endswith("status 3")


def test_parts_for_which_no_time_is_left_are_not_started(monkeypatch, tmp_path, capsys):
    import gpu

    monkeypatch.setattr("sys.argv", ["gpu.py", "--out", str(tmp_path), "--seconds", "10"])
    monkeypatch.setattr(gpu, "run_part", lambda *arguments: pytest.fail("started"))
    assert gpu.main() == 0
    outcomes = {name: part["outcome"] for name, part in stored(tmp_path)["parts"].items()}
    assert outcomes.keys() == {part.name for part in gpu.PARTS}
    assert all(outcome.startswith("skipped: ") for outcome in outcomes.values())


def test_the_speed_of_the_step_is_what_the_input_is_compared_with(monkeypatch, tmp_path, capsys):
    import gpu

    def run_part(command, environment, limit, add_line):
        commands.append(command)
        if "gpu_parts.step" in command:
            add_line('row: {"table": "The step of train.py, bfloat16", "images/s": 2500.0}\n')
        return "ran"

    commands = []
    monkeypatch.setattr("sys.argv", ["gpu.py", "--out", str(tmp_path), "--parts", "step", "input"])
    monkeypatch.setattr(gpu, "run_part", run_part)
    assert gpu.main() == 0
    assert [command[3] for command in commands] == ["gpu_parts.machine", "gpu_parts.step", "gpu_parts.input_pipeline"]
    assert commands[-1][-1] == "2500.0"


def test_tables_have_the_columns_of_all_their_rows():
    from gpu_parts.rows import as_markdown

    rows = [
        {"table": "speed", "network": "a", "images/s": 1500.0, "share": None},
        {"table": "memory", "network": "a|b", "GB": 0.12345},
        {"table": "speed", "network": "b", "images/s": 99, "ok": True},
    ]
    assert as_markdown(rows) == [
        *("", "**speed**", ""),
        *("| network | images/s | share | ok |", "| --- | --: | --: | --: |"),
        *("| a | 1,500 |  |  |", "| b | 99 |  | yes |"),
        *("", "**memory**", ""),
        *("| network | GB |", "| --- | --: |", "| a\\|b | 0.123 |"),
    ]


@pytest.mark.parametrize(
    "module", sorted({part.stem for part in (BENCHMARKS / "gpu_parts").glob("*.py")} - {"__init__"})
)
def test_parts_find_what_they_import(module):
    importlib.import_module(f"gpu_parts.{module}")


@pytest.mark.slow
def test_the_whole_program_with_small_numbers(tmp_path):
    """Every part on a CPU; torch's where it is installed."""
    import gpu

    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--small", "--out", str(tmp_path), "--seconds", "1500"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    found = stored(tmp_path)
    assert found["parts"].keys() == {part.name for part in gpu.SMALL_PARTS}
    assert {part["outcome"] for part in found["parts"].values()} == {"ran"}
    tables = {row["table"] for row in found["rows"]}
    for title in (
        "Machine",
        "train.py",
        "Training steps",
        "The step of",
        "Memory",
        "Time by layer",
        "Tests on",
        "Reading",
    ):
        assert any(table.startswith(title) for table in tables), title
    layers = {row["layer"] for row in found["rows"] if row["table"] == "Time by layer"}
    assert {"conv1", "conv2_1", "conv4_3", "fc"} <= layers
    same = [row for row in found["rows"] if "same bits" in row]
    assert same and all(row["same bits"] for row in same)
    tested = next(row for row in found["rows"] if row["table"] == "Tests on the device")
    assert tested["passed"] >= 20 and not tested["failed"] and not tested["error"]
