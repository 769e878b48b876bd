"""Reading of JPEGs against what the training step eats: python -m gpu_parts.input_pipeline [IMAGES_PER_SECOND]

Random resized crops of 224 pixels of generated photographs of 500x375 pixels (benchmarks/crops.py), by threads of this
process and by worker processes. The argument is the speed of the step.
"""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from crops import BATCH, SIZE, images_per_second, write_photographs, zoo_batches

from gpu_parts.rows import emit
from gpu_parts.sizes import is_small


def main() -> None:
    """Emit a row for each way to read."""
    eaten = float(sys.argv[1]) if len(sys.argv) > 1 else None
    cores = len(os.sched_getaffinity(0))
    count, seconds = (2 * BATCH, 0.1) if is_small() else (512, 4.0)
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), count)
        for workers in (0,) if is_small() else (0, cores - 1):
            rate = images_per_second(partial(zoo_batches, Path(folder), workers), seconds, workers)
            emit(
                f"Reading JPEGs of 500x375 pixels as crops of {SIZE}",
                reader=f"{workers} workers" if workers else "threads of the process",
                cores=cores,
                **{"images/s": rate, "images/s of the step": eaten, "share of it": eaten and f"{rate / eaten:.0%}"},
            )


if __name__ == "__main__":
    main()
