"""Memory over an epoch of many small images: it must not grow, in this process and in its workers.

PYTHONPATH=. python benchmarks/epoch_memory.py --images 500000 --workers 2

All examples are one small JPEG in memory, which is decoded, cropped and joined to batches as any other.
"""

import argparse
import io
import os
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.commands.arguments.types import InRange
from zoo.data import Preprocessing, RandomCrops, train_batches
from zoo.data.sources.encoded import EncodedSource
from zoo.runtime.limits import COUNT, POSITIVE_COUNT

BATCH, SIZE, ROWS = 256, 32, 10


@dataclass(frozen=True)
class OneImage:
    """A store in which all rows have the same image."""

    image: bytes

    def encoded(self, row: int) -> bytes:
        """The image."""
        return self.image

    def name(self, row: int) -> str:
        """The row."""
        return str(row)


def main() -> None:
    """Read an epoch, and print the memory after each tenth of it."""
    args = parser().parse_args()
    crops = RandomCrops(size=(SIZE, SIZE), seed=0, smallest=0.08, flip=True)
    preprocessing = Preprocessing(image_shape=(SIZE, SIZE, 3), mean=(0.5,) * 3, std=(0.25,) * 3)
    batches = iter(
        train_batches(
            source(args.images),
            preprocessing=preprocessing,
            batch_size=BATCH,
            seed=0,
            crops=crops,
            workers=args.workers,
        )
    )
    steps = args.images // BATCH
    for step in range(1, steps + 1):
        next(batches)
        if step % max(1, steps // ROWS) == 0:
            print(f"{step * BATCH:9,} images  {megabytes():7.1f} MB in all processes", flush=True)
    batches.close()


def source(images: int) -> EncodedSource:
    """So many examples."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)).save(file, "JPEG")
    return EncodedSource(OneImage(file.getvalue()), np.arange(images), np.zeros(images, np.int64), ("",) * images)


def megabytes() -> float:
    """Resident memory of this process and of its workers, shared memory counted once per process."""
    pids = [os.getpid(), *(child.pid for child in active_children())]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--images", type=InRange(POSITIVE_COUNT), default=500_000)
    top.add_argument("--workers", type=InRange(COUNT), default=0)
    return top


if __name__ == "__main__":
    main()
