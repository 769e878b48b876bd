"""How the process of a command ends: Ctrl-C, twice too; closed pipes and streams; what libraries print."""

import errno
import io
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import error_of
from jax.errors import JaxRuntimeError

from zoo.__main__ import main
from zoo.runtime.process import started_as

ROOT = Path(__file__).parents[2]
# Without the imports of a command, which take seconds.
PROGRAM = """
import os, signal, sys, threading, time
from zoo.runtime.process import interruptible, run_process

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)

def command():
    {body}
    return 0

status = run_process(command)
{after}
sys.exit(status)
"""


def ended(body, after="", command=(sys.executable, "-c")):
    program = PROGRAM.format(body=body.replace("\n", "\n    "), after=after)
    return subprocess.run([*command, program], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("interrupt()", id="anywhere"),
        pytest.param("print('half a line', end=''); interrupt()", id="after output"),
        # C++ aborts where Python's exception passes through it.
        pytest.param("try: interrupt()\nexcept BaseException: os.abort()", id="in an import"),
        pytest.param("threading.Thread(target=time.sleep, args=(30,)).start(); interrupt()", id="with a thread"),
        pytest.param("with interruptible(): interrupt()", id="while a file is written"),
        pytest.param("with interruptible():\n    try: interrupt()\n    finally: interrupt()", id="twice"),
        pytest.param("with interruptible(): pass\ntry: interrupt()\nexcept BaseException: os.abort()", id="after one"),
    ],
)
def test_ctrl_c_ends_with_status_130_and_without_a_traceback(body):
    done = ended(body)
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout in ("", "half a line")


def test_ctrl_c_leaves_no_unfinished_file(tmp_path):
    body = f"""
from pathlib import Path
from zoo.runtime.atomic_files import replacing
with replacing(Path({str(tmp_path / "whole")!r})) as unfinished:
    unfinished.write_text("half")
    interrupt()"""
    done = ended(body)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (130, "", [])


def test_ctrl_c_gives_back_the_lock_of_a_run(tmp_path):
    body = f"""
from pathlib import Path
from zoo.runtime.process import on_interrupt
lock = Path({str(tmp_path / "lock")!r})
lock.touch()
with on_interrupt(lock.unlink):
    with interruptible(): pass
    interrupt()"""
    done = ended(body)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (130, "", [])


def test_ctrl_c_shows_the_cursor_that_a_progress_bar_hid():
    leader, follower = pty.openpty()
    body = "from rich.progress import Progress\n"
    body += "with Progress() as bar: bar.add_task('', total=9); bar.refresh(); interrupt()"
    program = PROGRAM.format(body=body.replace("\n", "\n    "), after="")
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=follower, stderr=follower, timeout=60)
    os.close(follower)
    written = os.read(leader, 100_000)
    os.close(leader)
    assert done.returncode == 130 and b"Traceback" not in written
    assert written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l") >= 0


def test_ctrl_c_while_the_process_ends():
    done = ended("pass", after="interrupt()")
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_before_python_has_started():
    """As after the restart with huge pages: the signal was blocked, and waits."""
    block = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); "
    send = "os.kill(os.getpid(), signal.SIGINT); os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    done = ended("time.sleep(10)", command=(sys.executable, "-c", block + send))
    assert (done.returncode, done.stderr) == (130, "")


def test_a_signal_that_was_ignored_stays_ignored():
    done = ended("signal.getsignal(signal.SIGINT) == signal.SIG_IGN and print('ignored')", command=ignoring())
    assert (done.returncode, done.stdout) == (0, "ignored\n")


def ignoring():
    """A command that runs a program in a process that ignores Ctrl-C, as nohup does."""
    return "sh", "-c", f'trap "" INT; exec {sys.executable} -c "$0"'


@pytest.mark.parametrize("output", ["| head -n 0", ">&-", "2>&- | cat", "<&- | cat"])
def test_closed_pipes_and_streams(output):
    command = f"{sys.executable} -m zoo --help {output}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_does_not_get_the_number_of_a_closed_stream():
    """Libraries in C++ would write their messages into it."""
    body = "assert os.open(os.devnull, os.O_RDONLY) > 2"
    program = PROGRAM.format(body=body, after="")
    command = f"{sys.executable} -c '{program}' <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], cwd=ROOT, timeout=60).returncode == 0


@pytest.mark.parametrize(("output", "lines"), [("| head -n 1", 0), ("> /dev/full", 1)])
def test_a_run_continues_without_its_output(output, lines):
    body = "from zoo.runtime.lost_output import continue_without_output\ncontinue_without_output()\n"
    body += "for number in range(9): print(number, flush=True); time.sleep(0.02)\nprint(9, file=sys.stderr)"
    program = PROGRAM.format(body=body.replace("\n", "\n    "), after="")
    command = f"{sys.executable} -c '{program}' {output}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    *said, last = done.stderr.splitlines()
    assert (done.returncode, last, len(said)) == (0, "9", lines)
    assert all("No space left on device" in line for line in said)


def test_help_that_cannot_be_written_is_an_error(capsys, monkeypatch):
    """With PYTHONUNBUFFERED it is written at once; argparse ignores that it cannot be."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(full, write_through=True))
        monkeypatch.setattr("zoo.runtime.failures.discard_output", lambda: None)
        assert main(["--version"]) == 2
    assert "No space left" in capsys.readouterr().err


def test_a_full_disk_behind_standard_output_is_one_line(capsys, monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr("zoo.runtime.failures.discard_output", lambda: None)
    assert main(["list", "lenet5"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "No space left on device" in error


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 58 TiB"), JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")]
)
def test_too_little_memory_is_one_line(capsys, monkeypatch, error):
    def fail(args):
        raise error

    monkeypatch.setattr("zoo.commands.list.run", fail)
    assert "memory" in error_of(capsys, "list")


def test_characters_that_the_terminal_lacks_are_escaped():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body="print('\\u732b', os.fsdecode(b'\\xff.png'))", after="")],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stdout) == (0, b"\\u732b \\udcff.png\n")


def test_a_warning_is_one_line_without_source():
    body = "from zoo.runtime.log_filters import quiet_libraries\nimport warnings, logging\nquiet_libraries()\n"
    warn = "warnings.warn('two' + chr(10) + 'lines'); logging.getLogger('matplotlib.font_manager').warning('no font')"
    warn += "; logging.warning('nobody says this')"
    done = ended(body + warn)
    assert (done.returncode, done.stderr) == (0, "zoo: warning: two lines\n")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("train.py", ["python", "train.py"]),
        ("/site-packages/zoo/__main__.py", ["python", "-m", "zoo"]),
        ("/usr/bin/zoo", ["zoo"]),
    ],
)
def test_how_a_process_was_started(program, words):
    assert started_as(program) == words


def test_the_signal_is_handled_before_anything_slow_is_imported():
    """Within the first milliseconds: only modules of Python are loaded, none of the libraries."""
    program = (
        "import sys, zoo.__main__; print(sorted({'jax', 'flax', 'numpy', 'argparse', 'typing'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert signal.getsignal(signal.SIGINT) is not None
