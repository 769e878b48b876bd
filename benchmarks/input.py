"""Input pipelines by themselves: images per second from JPEG folders, array_record and IDX files, and resident images.

python benchmarks/input.py --json input.json

The folder has generated photographs (smooth noise) of 320x240 pixels, read at an image size of 224. The array_record
files are the embedded digits, the IDX files have 28x28 pixels; both are read at 32. With --torch, an ImageFolder with a
DataLoader (one worker process per core) reads the same folder, alternately with the others.
"""

import argparse
import gzip
import json
import os
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from zoo.commands.arguments.types import InRange
from zoo.data import Dataset, Preprocessing, load_all, open_dataset, train_batches
from zoo.runtime.limits import POSITIVE_COUNT, SECONDS
from zoo.runtime.mesh import data_mesh
from zoo.training.feed import Resident

BATCH = 64
PHOTOGRAPHS, CLASSES = 512, 4


def main() -> None:
    """Measure, print the table, write the JSON."""
    args = parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write_photographs(path / "photographs")
        write_idx(path / "idx", 10_000)
        pipelines = {
            "folder of JPEG, 224 pixels": streamed(open_dataset(path / "photographs"), 224, 3),
            "array_record (digits), 32 pixels": streamed(open_dataset("digits", path / "tfds"), 32, 1),
            "IDX, 32 pixels": streamed(open_dataset(path / "idx"), 32, 1),
            "IDX, 32 pixels, resident": resident(open_dataset(path / "idx"), 32, 1),
        }
        if args.torch:
            pipelines["folder of JPEG, 224 pixels, torch"] = torch_loader(path / "photographs")
        rates = measured(pipelines, args.seconds, args.rounds)
    for name, rate in rates.items():
        print(f"{name:36s} {rate:10.0f} images/s")
    if args.json:
        args.json.write_text(json.dumps(rates, indent=1) + "\n")


def measured(pipelines: dict[str, Iterator], seconds: float, rounds: int) -> dict[str, float]:
    """The median images/s of each pipeline, measured alternately for `seconds` per round."""
    for batches in pipelines.values():
        next(batches)
    rounds_found = [{name: rate(batches, seconds) for name, batches in pipelines.items()} for _ in range(rounds)]
    return {name: float(np.median([one[name] for one in rounds_found])) for name in pipelines}


def rate(batches: Iterator, seconds: float) -> float:
    """Images/s over at least `seconds`."""
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        count += sum(1 for _ in islice(batches, 4))
    return count * BATCH / (time.perf_counter() - start)


def streamed(dataset: Dataset, size: int, channels: int) -> Iterator:
    """Batches as training reads them from files."""
    return iter(train_batches(dataset.train, preprocessing=preprocessing(size, channels), batch_size=BATCH, seed=0))


def resident(dataset: Dataset, size: int, channels: int) -> Iterator:
    """Batches as the training step takes them from the images on the device."""
    images = load_all(dataset.train, preprocessing=preprocessing(size, channels))
    feed = Resident(images, seed=0, batch_size=BATCH, mesh=data_mesh(BATCH))
    draw: Callable = jax.jit(feed.batch)
    step = 0
    while True:
        yield jax.block_until_ready(draw(feed.inputs(step), step))
        step += 1


def torch_loader(folder: Path) -> Iterator:
    """The same photographs read by torchvision."""
    import torch

    from zoo.weights.import_torchvision import import_torchvision

    transforms = import_torchvision().transforms
    steps = [transforms.Resize(224), transforms.CenterCrop(224), transforms.PILToTensor()]
    images = import_torchvision().datasets.ImageFolder(folder, transforms.Compose(steps))
    workers = {"num_workers": os.cpu_count() or 1, "persistent_workers": True}
    loader = torch.utils.data.DataLoader(images, BATCH, shuffle=True, drop_last=True, **workers)
    while True:
        yield from loader


def preprocessing(size: int, channels: int) -> Preprocessing:
    """Preprocessing to square images of that size."""
    return Preprocessing(image_shape=(size, size, channels), mean=(0.5,) * channels, std=(0.25,) * channels)


def write_photographs(folder: Path) -> None:
    """JPEG files of smooth noise, about 20 KB each, in one folder per class."""
    rng = np.random.default_rng(0)
    for number in range(PHOTOGRAPHS):
        path = folder / f"class{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8))
        coarse.resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90)


def write_idx(folder: Path, count: int) -> None:
    """The four files of Fashion-MNIST, with noise as images."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images, labels = rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count).astype(np.uint8)
        for stem, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (folder / f"{part}-{stem}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes(), 1))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--seconds", type=InRange(SECONDS), default=3.0, help="per pipeline and round (default: 3)")
    top.add_argument("--rounds", type=InRange(POSITIVE_COUNT), default=3)
    top.add_argument("--torch", action="store_true", help="measure torchvision's ImageFolder and DataLoader too")
    top.add_argument("--json", type=Path)
    return top


if __name__ == "__main__":
    main()
