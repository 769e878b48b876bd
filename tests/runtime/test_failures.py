"""What ends a command other than a bug is one line: the system's errors, libraries that do not start, memory."""

import errno
import os
import sys
import threading
import warnings
from pathlib import Path

import jax
import pytest
from command_line import error_of
from jax._src import xla_bridge

from zoo.errors import ZooError, ZooWarning
from zoo.runtime import compilation_cache, environment, thread_limit
from zoo.runtime.atomic_files import replacing
from zoo.runtime.cache_folder import cache_folder
from zoo.runtime.failures import exit_status, failed_import, failure_line, refusal_line
from zoo.runtime.system_errors import ADVICE, error_number, reason


@pytest.mark.parametrize("number", ADVICE)
def test_every_error_of_the_system_says_why_and_what_to_do(tmp_path, monkeypatch, number):
    def refuse(self, text):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(ZooError) as error, replacing(tmp_path / "out") as unfinished:
        unfinished.write_text("")
    assert str(tmp_path / "out") in str(error.value)
    assert os.strerror(number) in str(error.value) and ADVICE[number] in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "RESOURCE_EXHAUSTED: Failed to write [os_error_code='28'] [source locations='a.cc:9']",
        "UNKNOWN: Error opening file: OS error 28",
        "[Errno 28] No such space",
        "write failed: No space left on device",
    ],
)
def test_the_system_s_error_within_that_of_a_library(text):
    assert error_number(ValueError(text)) == errno.ENOSPC
    assert "free some space" in reason(ValueError(text))


def test_words_of_our_own_are_kept():
    assert reason(OSError(errno.EFBIG, "it has more than 8 bytes", "a")) == "it has more than 8 bytes"
    assert reason(ValueError()) == "ValueError"


def test_a_library_that_does_not_start_is_named(tmp_path, monkeypatch):
    (tmp_path / "outer_library.py").write_text("import inner_library\n")
    (tmp_path / "inner_library.py").write_text("raise ValueError('KIND=nonsense')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="KIND") as error:
        import outer_library  # noqa: F401
    assert failed_import(error.value) == "inner_library"
    assert "inner_library" in failure_line(error.value) and "KIND=nonsense" in failure_line(error.value)
    with pytest.raises(ModuleNotFoundError) as missing:
        import no_such_library  # noqa: F401
    assert "no_such_library" in failure_line(missing.value)


def test_a_bug_and_a_damaged_file_are_neither_the_system_nor_the_memory():
    assert failure_line(ValueError("not what was expected")) is None
    assert refusal_line(ValueError("DATA_LOSS: bad checksum")) is None
    assert refusal_line(FileNotFoundError(errno.ENOENT, "No such file or directory", "steps/4")) is None
    assert "ulimit -n" in refusal_line(ValueError("UNKNOWN: [os_error_code='24']"))
    assert refusal_line(MemoryError()) and "memory" in refusal_line(RuntimeError("RESOURCE_EXHAUSTED: Out of memory"))
    assert "free some space" in refusal_line(ValueError("RESOURCE_EXHAUSTED: write failed [os_error_code='28']"))
    wrapped = ValueError("no handler")
    wrapped.__cause__ = OSError(errno.EMFILE, "Too many open files")
    assert "ulimit -n" in refusal_line(wrapped)
    with pytest.raises(KeyError):
        exit_status(lambda: {}["missing"])


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (ZooWarning("ema.pth: two state dicts"), "ema.pth"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/x"), "runs/x"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
    ],
)
def test_other_failures_of_a_command(capsys, monkeypatch, error, named):
    def fail(args):
        raise error

    monkeypatch.setattr("zoo.commands.list.run", fail)
    monkeypatch.setattr("zoo.runtime.failures.discard_output", lambda: None)
    assert named in error_of(capsys, "list")


def test_a_full_disk_behind_standard_error_changes_no_exit_status(monkeypatch):
    monkeypatch.setattr(sys, "stderr", open("/dev/full", "w"))  # noqa: PTH123, SIM115
    from zoo.__main__ import main

    assert main(["list", "nonsense"]) == 2


def test_devices_that_do_not_start_name_the_platform(monkeypatch):
    """JAX raises RuntimeError, JaxRuntimeError or a bare AssertionError, from one module."""
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    names = {"__name__": xla_bridge.__name__}
    exec("def backends(): raise AssertionError", names)
    with pytest.raises(AssertionError) as error:
        names["backends"]()
    assert "cuda" in failure_line(error.value) and "cuda" in refusal_line(error.value)
    assert callable(xla_bridge.backends)


@pytest.fixture
def no_cache(monkeypatch):
    """JAX without a cache, which the tests have; as it was afterwards."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    for name in ("ZOO_CACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def unknown_home(self):
    raise RuntimeError("Could not determine home directory.")


def test_without_a_home_folder_programs_are_not_cached(monkeypatch, no_cache):
    monkeypatch.setattr(Path, "expanduser", unknown_home)
    compilation_cache.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None
    with pytest.raises(ZooError, match="set HOME"):
        cache_folder()


def test_a_cache_that_somebody_named_must_have_a_place(monkeypatch, no_cache, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", "~nosuchuser/cache")
    with pytest.raises(ZooError, match="nosuchuser"):
        compilation_cache.enable_compilation_cache()
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.warns(ZooWarning, match=f"{tmp_path / 'file'}.*Not a directory"):
        compilation_cache.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None


def test_an_unwritable_home_folder_is_no_warning(monkeypatch, no_cache, tmp_path):
    (tmp_path / ".cache").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    with warnings.catch_warnings(action="error"):
        compilation_cache.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("nonsense", 'file "nonsense"'),
        ("--xla_nonsense=1", "--xla_nonsense=1"),
        ("--xla_force_host_platform_device_count=many", "many"),
    ],
)
def test_broken_flags_of_xla(monkeypatch, flags, named):
    monkeypatch.setenv("XLA_FLAGS", flags)
    with pytest.raises(ZooError, match="XLA_FLAGS") as error:
        environment.check_xla_flags()
    assert named in str(error.value) and "\n" not in str(error.value)


def test_flags_of_xla_that_are_right(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    environment.check_xla_flags()
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(environment.subprocess, "run", None)
    environment.check_xla_flags()


def test_too_few_addresses_are_told_before_a_library_waits_for_them(monkeypatch):
    monkeypatch.setattr(environment.resource, "getrlimit", lambda kind: (2**30, 2**30))
    with pytest.raises(ZooError, match=r"address space is 1\.0 GiB.*ulimit -v"):
        environment.check_address_space()
    monkeypatch.setattr(environment.resource, "getrlimit", lambda kind: (environment.resource.RLIM_INFINITY,) * 2)
    environment.check_address_space()


def test_too_few_threads_are_told_before_xla_aborts(monkeypatch):
    start, started = threading.Thread.start, []

    def limited(thread):
        if len(started) == 5:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    monkeypatch.setattr(thread_limit, "CONTROL_GROUP_LIMIT", Path(os.devnull))
    monkeypatch.setattr(thread_limit.resource, "getrlimit", lambda kind: (300, 300))
    with pytest.raises(ZooError, match=r"no more than 5 threads.*ulimit -u"):
        thread_limit.check_threads()
    assert not any(thread.is_alive() for thread in started)
    monkeypatch.setattr(thread_limit.resource, "getrlimit", lambda kind: (thread_limit.resource.RLIM_INFINITY,) * 2)
    thread_limit.check_threads()
    assert len(started) == 5


def test_figures_of_a_command_have_no_style_of_the_user(monkeypatch):
    import matplotlib

    for name in ("MPLBACKEND", "MATPLOTLIBRC"):
        monkeypatch.setenv(name, "nonsense")
    environment.plain_figures()
    assert os.environ["MPLBACKEND"] == "agg"
    assert matplotlib.matplotlib_fname() == os.devnull
