"""Processes that meet at an address: who is missing, who is there twice, and what else answers there."""

import socket
import threading
import time

import pytest

from zoo.errors import ZooError
from zoo.training.meeting import meet

SECONDS = 30


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def meeting(processes, numbers, port=None, seconds=SECONDS):
    """What each of some processes, by their numbers, was told: "" where all have met, else the error."""
    port, told = port or free_port(), [None] * len(numbers)

    def take_part(place):
        try:
            meet("127.0.0.1", port, processes, numbers[place], seconds)
            told[place] = ""
        except ZooError as error:
            told[place] = str(error)

    threads = [threading.Thread(target=take_part, args=(place,), daemon=True) for place in range(len(numbers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * SECONDS)
    return told


def test_all_meet_in_any_order_and_the_port_is_free_afterwards():
    port = free_port()
    assert meeting(3, [2, 0, 1], port) == ["", "", ""]
    socket.create_server(("127.0.0.1", port)).close()
    assert meeting(1, [0]) == [""]


def test_two_processes_of_one_number_end_all_at_once():
    start = time.monotonic()
    # Who comes after that finds nobody: here all have come.
    told = meeting(3, [0, 2, 2])
    assert all("two processes have --process 2" in line for line in told) and time.monotonic() - start < SECONDS


def test_two_first_processes_on_one_machine():
    told = meeting(2, [0, 0], seconds=2)
    assert sorted("cannot use port" in line for line in told) == [False, True]
    assert any("did not come" in line for line in told)


def test_another_number_of_processes_is_told_to_both():
    port, told = free_port(), []

    def other():
        with pytest.raises(ZooError) as error:
            meet("127.0.0.1", port, 3, 1, SECONDS)
        told.append(str(error.value))

    thread = threading.Thread(target=other)
    thread.start()
    with pytest.raises(ZooError, match=r"--processes is 3 in process 1 .*, and 2 in process 0"):
        meet("127.0.0.1", port, 2, 0, SECONDS)
    thread.join()
    assert "--processes is 3" in told[0]


def test_who_does_not_come_is_named_after_the_time():
    told = meeting(4, [0, 2], seconds=1)
    assert all("2 of 4 processes did not come within 1 s (--process 1, 3)" in line for line in told)


def test_an_address_where_nothing_answers():
    with pytest.raises(ZooError, match=r"not found at 127\.0\.0\.1:\d+ within 1 s \(Connection refused"):
        meet("127.0.0.1", free_port(), 2, 1, 1)


def test_what_is_no_process_of_a_run_is_hung_up_on_and_one_that_was_stopped_may_come_again():
    port = free_port()
    met = threading.Thread(target=lambda: meet("127.0.0.1", port, 3, 0, SECONDS), daemon=True)
    met.start()
    for greeting in (b"GET / HTTP/1.1\r\n\r\n", b"zoo 1 3 stopped\n"):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as connection:
                    connection.sendall(greeting)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
    others = [threading.Thread(target=meet, args=("127.0.0.1", port, 3, i, SECONDS), daemon=True) for i in (1, 2)]
    for thread in others:
        thread.start()
    for thread in (met, *others):
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_a_program_that_is_no_run_at_the_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        # The start of HTTP/2, as JAX's service sends it.
        threading.Thread(target=lambda: server.accept()[0].sendall(b"\0\0\x12\4\0"), daemon=True).start()
        with pytest.raises(ZooError, match="another program"):
            meet("127.0.0.1", server.getsockname()[1], 2, 1, SECONDS)
