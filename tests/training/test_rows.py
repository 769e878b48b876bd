"""metrics.jsonl takes as much memory as its rows."""

import os
import tracemalloc

import pytest

import zoo
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.logging import rows
from zoo.training.logging.rows import MAX_ROW_SIZE, read_rows

ROW = b'{"step": 1, "epoch": 0.5, "loss": 2}\n'


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def test_rows_and_lines_that_are_cut(folder):
    folder.metrics_file.write_bytes(
        ROW + b'{"step": 2, "ep\n' + ROW.replace(b"\n", b"\r\n") + b"x" * 2 * MAX_ROW_SIZE + b"\n" + ROW[:-1]
    )
    stored = read_rows(folder)
    assert list(stored.rows) == [{"step": 1, "epoch": 0.5, "loss": 2}] * 3
    assert "line 2" in stored.unreadable[0] and len(stored.unreadable) == 4


@pytest.mark.parametrize("data", [b"\n" * 10**7, b"[" * (MAX_ROW_SIZE - 1) + b"\n", b"\x00"])
def test_a_file_of_other_lines_takes_no_memory(folder, data):
    folder.metrics_file.write_bytes(data)
    if data == b"\x00":
        os.truncate(folder.metrics_file, 2**40)
    tracemalloc.start()
    if data.startswith(b"["):
        assert len(read_rows(folder).unreadable) == 1
    else:
        with pytest.raises(zoo.ZooError, match=r"metrics\.jsonl, line 1.*1000 other lines"):
            read_rows(folder)
    assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    tracemalloc.stop()


def test_valid_rows_without_end(folder, monkeypatch):
    monkeypatch.setattr(rows, "MAX_ROWS", 3)
    folder.metrics_file.write_bytes(ROW * 3)
    assert len(read_rows(folder).rows) == 3
    folder.metrics_file.write_bytes(ROW * 4)
    with pytest.raises(zoo.ZooError, match=r"metrics\.jsonl has more than 3 rows"):
        read_rows(folder)


def test_a_row_of_many_other_columns(folder):
    folder.metrics_file.write_text('{"step": 1, "epoch": 0, ' + ", ".join(f'"c{i}": 1' for i in range(99)) + "}")
    assert "<= 8" in read_rows(folder).unreadable[0]


def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder.metrics_file)
    with pytest.raises(zoo.ZooError, match="pipe"):
        read_rows(folder)
