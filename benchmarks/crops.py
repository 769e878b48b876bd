"""Random resized crops of JPEGs: images per second of zoo, and of torch's DataLoader with torchvision, by turns.

PYTHONPATH=. python benchmarks/crops.py --json crops.json

The files have 500x375 pixels and 110 KB, as those of ImageNet on average; crops have 224 pixels, with flips. Both
decode and scale with Pillow. zoo's batches are uint8, which the training step normalizes; torch's are so too, or
normalized as in torchvision's training program. Each round runs every contender once, from new, and has ratios of its
rates. CPU time per image, of one thread, says how many cores a device needs.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.commands.arguments.types import InRange
from zoo.data import Preprocessing, RandomCrops, open_dataset, train_batches
from zoo.data.chunks import ChunkReader
from zoo.runtime.limits import POSITIVE_COUNT, SECONDS

BATCH, SIZE, CLASSES, PHOTOGRAPHS = 64, 224, 4, 512
# Names of each file: a shuffle of few examples takes longer than one of many.
LINKS = 32
# What a fast GPU may train on, in images/s: an example, not measured.
GPU_RATE = 3000


def main() -> None:
    """Measure, print, write the JSON."""
    args = parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write_photographs(path, PHOTOGRAPHS)
        contenders: dict[str, Callable[[], Iterator]] = {
            "zoo, threads": partial(zoo_batches, path, 0),
            f"zoo, {args.workers} workers": partial(zoo_batches, path, args.workers),
            f"torch, {args.workers} workers": partial(torch_batches, path, args.workers, False),
            f"torch, {args.workers} workers, normalized": partial(torch_batches, path, args.workers, True),
        }
        rounds = [
            {name: images_per_second(make, args.seconds, args.workers) for name, make in contenders.items()}
            for _ in range(args.rounds)
        ]
        times = [
            (zoo_milliseconds(path), *(torch_milliseconds(path, normalized) for normalized in (False, True)))
            for _ in range(args.rounds)
        ]
    cores = len(os.sched_getaffinity(0))
    for name in contenders:
        rates = [one[name] for one in rounds]
        ratios = [spread([one[name] / one[other] for one in rounds]) for other in list(contenders)[2:]]
        print(f"{name:28s} {np.median(rates):7.0f} images/s; times torch's: {', '.join(ratios)}")
    ours, *theirs = np.median(times, axis=0)
    print(f"CPU per image: zoo {ours:.2f} ms, torch {theirs[0]:.2f} ms, normalized {theirs[1]:.2f} ms")
    print(f"torch's CPU time over zoo's: {', '.join(spread([one[i] / one[0] for one in times]) for i in (1, 2))}")
    print(f"{GPU_RATE:,} images/s for a GPU need {GPU_RATE * ours / 1000:.1f} cores like these")
    results: dict[str, Any] = {"cores": cores, "rounds": rounds, "CPU ms per image": times}
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


def spread(values: list[float]) -> str:
    """The median, and the quartiles in brackets."""
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


def images_per_second(make: Callable[[], Iterator], seconds: float, workers: int) -> float:
    """Of a new iterator over batches, for so long, without its start."""
    batches = make()
    # Those that are there when the first is read are not counted.
    list(islice(batches, 2 * workers + 4))
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        next(batches)
        count += BATCH
    found = count / (time.perf_counter() - start)
    getattr(batches, "close", lambda: None)()
    return found


def zoo_batches(folder: Path, workers: int) -> Iterator:
    """Batches as a run reads them."""
    crops = RandomCrops(size=(SIZE, SIZE), seed=0, smallest=0.08, flip=True)
    source, options = open_dataset(folder).train, {"batch_size": BATCH, "seed": 0}
    return iter(train_batches(source, preprocessing=PREPROCESSING, crops=crops, workers=workers, **options))


PREPROCESSING = Preprocessing(image_shape=(SIZE, SIZE, 3), mean=(0.5,) * 3, std=(0.25,) * 3)


def torch_loader(folder: Path, workers: int, normalized: bool) -> Any:
    """torch's DataLoader with the same crops and flips; normalized as torchvision's training program does."""
    import torch

    from zoo.weights.import_torchvision import import_torchvision

    import_torchvision()
    from torchvision.transforms import v2

    steps = [v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip(), v2.PILToTensor()]
    if normalized:
        steps += [v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    images = import_torchvision().datasets.ImageFolder(folder, v2.Compose(steps))
    torch.set_num_threads(1)
    return torch.utils.data.DataLoader(images, BATCH, shuffle=True, drop_last=True, num_workers=workers)


def torch_batches(folder: Path, workers: int, normalized: bool) -> Iterator:
    """Endless batches of it."""
    loader = torch_loader(folder, workers, normalized)
    while True:
        yield from loader


def zoo_milliseconds(folder: Path) -> float:
    """CPU time per image, of one thread."""
    reader: ChunkReader = zoo_batches(folder, 0)._batches.reader
    reader[0]
    start = time.process_time()
    images = sum(len(reader[number]["image"]) for number in range(1, 9))
    return (time.process_time() - start) / images * 1000


def torch_milliseconds(folder: Path, normalized: bool) -> float:
    """The same of torch."""
    batches = iter(torch_loader(folder, 0, normalized))
    next(batches)
    start = time.process_time()
    images = sum(len(images) for images, _ in islice(batches, 4))
    return (time.process_time() - start) / images * 1000


def write_photographs(folder: Path, number_of_files: int) -> None:
    """JPEG files of smooth noise, in one folder per class, each with `LINKS` names."""
    rng = np.random.default_rng(0)
    for number in range(number_of_files):
        path = folder / f"class{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (120, 160, 3), np.uint8))
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=90)
        for link in range(1, LINKS):
            path.with_stem(f"{number}-{link}").symlink_to(path)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--seconds", type=InRange(SECONDS), default=5.0, help="per contender and round (default: 5)")
    top.add_argument("--rounds", type=InRange(POSITIVE_COUNT), default=7)
    top.add_argument("--workers", type=InRange(POSITIVE_COUNT), default=os.cpu_count() or 1, help="one per core")
    top.add_argument("--json", type=Path)
    return top


if __name__ == "__main__":
    main()
