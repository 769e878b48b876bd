"""Huge pages: the process restarts once, and only if that has an effect."""

import signal
import sys

import pytest

from zoo.runtime import huge_pages as host_memory


@pytest.fixture
def restarts(monkeypatch, tmp_path):
    """The calls of os.execve, on a machine that gives large pages on request."""
    calls = []
    policy = tmp_path / "enabled"
    policy.write_text("always [madvise] never\n")
    monkeypatch.setattr(host_memory, "POLICY", policy)
    monkeypatch.setattr(host_memory.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(host_memory, "is_own_process", lambda: True)
    monkeypatch.setattr(host_memory.os, "execve", lambda *call: calls.append(call))
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    yield calls
    # Blocked for the new process, which is not started here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def test_the_same_program_begins_again(restarts):
    host_memory.restart_with_huge_pages()
    [(program, arguments, environment)] = restarts
    assert (program, arguments) == (sys.executable, sys.orig_argv)
    assert environment["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1"


def test_once(restarts, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    host_memory.restart_with_huge_pages()
    assert restarts == []


@pytest.mark.parametrize("policy", ["[always] madvise never", "always madvise [never]", None])
def test_not_where_it_changes_nothing(restarts, policy):
    if policy is None:
        host_memory.POLICY.unlink()
    else:
        host_memory.POLICY.write_text(policy)
    host_memory.restart_with_huge_pages()
    assert restarts == []


def test_not_on_other_systems(restarts, monkeypatch):
    monkeypatch.setattr(host_memory.platform, "libc_ver", lambda: ("", ""))
    host_memory.restart_with_huge_pages()
    assert restarts == []


def test_not_in_a_process_of_another_program(restarts, monkeypatch):
    monkeypatch.setattr(host_memory, "is_own_process", lambda: False)
    host_memory.restart_with_huge_pages()
    assert restarts == [] and host_memory.lacks_huge_pages()
