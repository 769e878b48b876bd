"""TensorBoard events, read back from the file format: records of a length, its checksum, the data, its checksum."""

import errno
import io
import struct
import sys

import pytest
from rich.console import Console

import zoo
from zoo.__main__ import main
from zoo.training import RunFolder, RunOptions
from zoo.training.logging.recorder import Recorder
from zoo.training.logging.tensorboard import ScalarWriter, tag


def masked_crc32c(data):
    """As TensorFlow's record format has it: CRC-32C (Castagnoli), rotated by 15 bits, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(file):
    from tensorboardX.proto.event_pb2 import Event

    data, found = file.read_bytes(), []
    while data:
        length, length_crc = struct.unpack("<QI", data[:12])
        record, (crc,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert (length_crc, crc) == (masked_crc32c(data[:8]), masked_crc32c(record))
        found.append(Event.FromString(record))
        data = data[16 + length :]
    return found


def scalars(file):
    return {event.step: {value.tag: value.simple_value for value in event.summary.value} for event in events(file)[2:]}


def events_in(path):
    return ScalarWriter(RunFolder(path).tensorboard)


def files(path):
    return sorted((path / "tensorboard").iterdir())


def row(step, **more):
    return {"step": step, "epoch": step // 4, "learning_rate": 0.5, "loss": 0.25, "test_accuracy": 0.75, **more}


def test_scalars_at_their_steps(tmp_path):
    with Recorder(RunFolder(tmp_path), Console(quiet=True), writers=[events_in(tmp_path)]) as record:
        record.add(row(4, accuracy=0.5, test_loss=2.0, images_per_second=1000, utilisation=None, seconds=9.0))
        record.add(row(8, waiting=0.125))
        (file,) = files(tmp_path)
        assert set(scalars(file)) == {4, 8}
    assert events(file)[0].file_version == "brain.Event:2"
    usual = {"epoch": 1, "learning_rate": 0.5, "train/loss": 0.25, "test/accuracy": 0.75}
    assert scalars(file) == {
        4: {**usual, "train/accuracy": 0.5, "test/loss": 2.0, "images_per_second": 1000},
        8: {**usual, "epoch": 2, "waiting": 0.125},
    }
    assert "tfevents" in file.name


def test_logged_steps_have_separate_tags(tmp_path):
    with Recorder(RunFolder(tmp_path), Console(quiet=True), writers=[events_in(tmp_path)]) as record:
        record.add({"step": 2, "epoch": 0.5, "loss": 0.75, "seconds": 1.0})
        record.add(row(4))
    (file,) = files(tmp_path)
    assert scalars(file)[2] == {"steps/epoch": 0.5, "steps/loss": 0.75}
    assert scalars(file)[4]["train/loss"] == 0.25


def test_a_resumed_run_takes_back_what_it_does_again(tmp_path):
    from tensorboardX.proto.event_pb2 import SessionLog

    for steps in ((4, 8, 12), (8, 12)):
        with Recorder(RunFolder(tmp_path), Console(quiet=True), writers=[events_in(tmp_path)]) as record:
            record.drop_after(steps[0] - 1)
            for step in steps:
                record.add(row(step))
    first, second = files(tmp_path)
    assert list(scalars(first)) == [4, 8, 12] and list(scalars(second)) == [8, 12]
    mark = events(second)[1]
    assert (mark.step, mark.session_log.status) == (8, SessionLog.START)


def test_a_full_disk_loses_no_scalars(tmp_path, monkeypatch):
    from tensorboardX.record_writer import RecordWriter

    console = Console(file=io.StringIO())
    flush = RecordWriter.flush

    def fail(writer):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Recorder(RunFolder(tmp_path), console, writers=[events_in(tmp_path)]) as record:
        record.add(row(4))
        monkeypatch.setattr(RecordWriter, "flush", fail)
        record.add(row(8))
        record.add(row(12))
        monkeypatch.setattr(RecordWriter, "flush", flush)
        record.add(row(16))
    assert len(files(tmp_path)) == 2
    assert list(scalars(files(tmp_path)[-1])) == [8, 12, 16]
    assert console.file.getvalue().count("\n") == 1
    assert f"cannot write TensorBoard events in {tmp_path}/tensorboard: No space left" in console.file.getvalue()


def test_nothing_measured_is_no_file(tmp_path):
    writer = ScalarWriter(tmp_path / "tensorboard")
    writer.write()
    writer.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "group"),
    [("loss", "train/loss"), ("accuracy", "train/accuracy"), ("test_loss", "test/loss"), ("waiting", "waiting")],
)
def test_tags(name, group):
    assert tag(name, evaluation=True) == group


def test_a_missing_package_is_one_line_before_the_run(capsys, tmp_path, monkeypatch):
    for module in ("tensorboardX", "tensorboardX.record_writer"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(zoo.ZooError, match="--tensorboard needs tensorboardX: pip install tensorboardX"):
        RunOptions(tensorboard=True)
    assert main(["train", "--model", "lenet5", "--run-dir", str(tmp_path / "run"), "--tensorboard"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
