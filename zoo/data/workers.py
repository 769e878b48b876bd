"""Chunks read by worker processes, which hand them over in shared memory, made with Grain.

Workers are started by importing the main module again, which must start nothing when it is imported.
"""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import cycle
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from zoo.data.chunks import Chunk, ChunkReader
from zoo.data.errors import DataError

# Threads do up to so many cores' work: between decoding and scaling an image each needs the interpreter's lock.
THREADED_CORES = 4
MAX_WORKERS = 16
# Fewer images are read before workers have started, which takes seconds.
MIN_IMAGES = 10_000
SHARED_MEMORY = Path("/dev/shm")
# What is smaller is copied with its chunk's description.
MIN_SHARED_BYTES = 2**12
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def usual_workers(images: int) -> int:
    """How many workers read so many images best: 0, which are threads, where they are few or threads scale."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if cores <= THREADED_CORES or images < MIN_IMAGES else min(cores - 1, MAX_WORKERS)


def read_with_workers(reader: ChunkReader, workers: int, chunk_bytes: int, ahead_bytes: int) -> Iterator[Chunk]:
    """The chunks of a reader in their order, read ahead by processes; closing it ends them.

    Each reads every `workers`-th chunk, of `chunk_bytes`. All chunks that are read ahead take at most `ahead_bytes`,
    and half of the free shared memory, or four per worker, where that is more. Raises DataError where there is no
    shared memory for these, and where a worker was ended.
    """
    from absl import flags

    # Grain reads them before it starts processes, and programs without flags have not parsed any.
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    shared = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else ahead_bytes
    # A chunk in the making, one on its way, and those that wait, at both ends.
    per_worker = min(ahead_bytes, shared // 2) // (chunk_bytes * workers)
    if 4 * workers * chunk_bytes > shared:
        raise DataError(
            f"{workers} workers need {4 * workers * chunk_bytes // 2**20} MB of {SHARED_MEMORY}, and "
            f"{shared // 2**20} MB are free: give fewer --workers, or more shared memory (docker run --shm-size)"
        )
    buffer = max(1, (per_worker - 2) // 2)
    readers = (replace(reader, first=reader.first + i, stride=workers) for i in range(workers))
    parts = [_read_in_process(part, buffer) for part in readers]
    with ThreadPoolExecutor(workers) as pool:
        try:
            with _without_signals():
                firsts = list(pool.map(lambda part: next(part, None), parts))
            yield from (first for first in firsts if first is not None)
            for part in cycle(parts):
                yield next(part)
        except StopIteration:
            return
        except RuntimeError as error:
            if "terminated unexpectedly" not in str(error):
                raise
            raise DataError("a process that reads images was ended, perhaps for memory: use fewer --workers") from error
        finally:
            # One after the other they would take seconds each.
            list(pool.map(lambda part: part.close(), parts))


def _read_in_process(reader: ChunkReader, buffer: int) -> Any:
    """An iterator over the chunks of a reader, which a process reads; so many wait at each end."""
    import grain

    chunks = grain.MapDataset.source(reader).to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
    options = grain.experimental.DatasetOptions(min_shm_size=MIN_SHARED_BYTES)
    chunks = grain.experimental.WithOptionsIterDataset(chunks, options)
    processes = grain.MultiprocessingOptions(num_workers=1, per_worker_buffer_size=buffer)
    return iter(chunks.mp_prefetch(processes, partial(_prepare, os.getpid())))


@contextmanager
def _without_signals() -> Iterator[None]:
    """What is started in this context never sees signals that stop a run: Ctrl-C reaches all of a terminal's processes.

    The run ends its workers when it has saved.
    """
    # Its start would let them through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(parent: int, index: int, count: int) -> None:
    """Have this worker end with the process that it works for, however that ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
