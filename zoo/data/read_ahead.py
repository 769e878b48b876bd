"""Chunks read ahead of their use, by threads or worker processes."""

import os
from collections.abc import Iterator

import numpy as np

from zoo.data.chunks import Chunk, ChunkReader
from zoo.data.dataset import ArraySource
from zoo.data.workers import read_with_workers

# Images that are read by one thread one after the other.
CHUNK_IMAGES = 32
# Of images that are read ahead.
AHEAD_BYTES = 2**29
MAX_THREADS = 16


def count_chunks(source: object, rows: int) -> int:
    """Into how many chunks the rows of a batch are divided: those of arrays are not, as reading them takes no time."""
    return 1 if isinstance(source, ArraySource) else -(-rows // CHUNK_IMAGES)


def read_ahead(reader: ChunkReader, workers: int = 0) -> Iterator[Chunk]:
    """The chunks of the reader in their order, read ahead by so many processes, or by threads.

    What is read ahead takes at most AHEAD_BYTES, or a few chunks per thread or process, where that is more. Arrays in
    memory are read when they are needed.
    """
    if isinstance(reader.source, ArraySource):
        return map(reader.__getitem__, range(len(reader)))
    size = -(-reader.plan.rows // reader.plan.chunks) * int(np.prod(reader.preprocessing.image_shape))
    if workers:
        return read_with_workers(reader, workers, size, AHEAD_BYTES)
    import grain

    # Threads help only where reading waits for a disk, or for a decoder that releases the GIL.
    threads = min(MAX_THREADS, 2 * (os.cpu_count() or 1))
    # Two batches are enough to have the next one when it is needed.
    wanted = 4 * threads + 2 * reader.plan.chunks
    ahead = max(threads, min(wanted, AHEAD_BYTES // size))
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    return iter(grain.MapDataset.source(reader).to_iter_dataset(options))
