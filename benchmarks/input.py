"""Input pipelines alone: images a second, from JPEG folders, array_record and IDX files, and of resident images.

python benchmarks/input.py --json input.json

The folder holds photographs of 320x240 pixels, made here of smooth noise, read at 224 pixels; the array_record are the
embedded digits, and the IDX files 28x28 pixels, both at 32. With torch and torchvision installed, an ImageFolder with a
DataLoader (as many worker processes as cores) reads the same folder in the same run, in turn.
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

from zoo.data import Dataset, Preprocessing, open_dataset, train_batches, whole
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
        sources = {
            "folder of JPEG, 224 pixels": streamed(open_dataset(path / "photographs"), 224, 3),
            "array_record (digits), 32 pixels": streamed(open_dataset("digits", path / "tfds"), 32, 1),
            "IDX, 32 pixels": streamed(open_dataset(path / "idx"), 32, 1),
            "IDX, 32 pixels, resident": resident(open_dataset(path / "idx"), 32, 1),
        }
        if args.torch:
            sources["folder of JPEG, 224 pixels, torch"] = torch_loader(path / "photographs")
        rates = measured(sources, args.seconds, args.rounds)
    for name, rate in rates.items():
        print(f"{name:36s} {rate:10.0f} images/s")
    if args.json:
        args.json.write_text(json.dumps(rates, indent=1) + "\n")


def measured(sources: dict[str, Iterator], seconds: float, rounds: int) -> dict[str, float]:
    """The median images/s of each source, in turn, so many seconds a round."""
    for batches in sources.values():
        next(batches)
    found = [{name: rate(batches, seconds) for name, batches in sources.items()} for _ in range(rounds)]
    return {name: float(np.median([one[name] for one in found])) for name in sources}


def rate(batches: Iterator, seconds: float) -> float:
    """Images/s over at least so many seconds."""
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        count += sum(1 for _ in islice(batches, 4))
    return count * BATCH / (time.perf_counter() - begun)


def streamed(dataset: Dataset, size: int, channels: int) -> Iterator:
    """Batches as training reads them."""
    return iter(train_batches(dataset.train, preprocessing=seen(size, channels), batch_size=BATCH, seed=0))


def resident(dataset: Dataset, size: int, channels: int) -> Iterator:
    """Batches as the training step takes them from the images on the device."""
    images = whole(dataset.train, preprocessing=seen(size, channels))
    feed = Resident(images, seed=0, batch_size=BATCH, mesh=data_mesh(BATCH))
    draw: Callable = jax.jit(feed.batch)
    step = 0
    while True:
        yield jax.block_until_ready(draw(feed.inputs(step), step))
        step += 1


def torch_loader(folder: Path) -> Iterator:
    """The same photographs through torchvision."""
    import torch
    from contenders import torchvision

    transforms = torchvision().transforms
    shown = [transforms.Resize(224), transforms.CenterCrop(224), transforms.PILToTensor()]
    images = torchvision().datasets.ImageFolder(folder, transforms.Compose(shown))
    workers = {"num_workers": os.cpu_count() or 1, "persistent_workers": True}
    loader = torch.utils.data.DataLoader(images, BATCH, shuffle=True, drop_last=True, **workers)
    while True:
        yield from loader


def seen(size: int, channels: int) -> Preprocessing:
    """Square images of that size."""
    return Preprocessing(image_shape=(size, size, channels), mean=(0.5,) * channels, std=(0.25,) * channels)


def write_photographs(folder: Path) -> None:
    """JPEG files of smooth noise, about 20 KB each."""
    rng = np.random.default_rng(0)
    for number in range(PHOTOGRAPHS):
        path = folder / f"class{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8))
        coarse.resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90)


def write_idx(folder: Path, count: int) -> None:
    """Fashion-MNIST's four files, with noise."""
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
    top.add_argument("--seconds", type=float, default=3.0, help="a source and round (default: 3)")
    top.add_argument("--rounds", type=int, default=3)
    top.add_argument("--torch", action="store_true", help="torchvision's ImageFolder and DataLoader too")
    top.add_argument("--json", type=Path)
    return top


if __name__ == "__main__":
    main()
