"""Small valid files, from which hostile and broken ones are made."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

# The network whose files are small, and one that torchvision has too.
NETWORK, TORCH_NETWORK = "lenet5", "squeezenet1_1"
IMAGE_SIZE = 32


@dataclass(frozen=True)
class Seeds:
    """The folder of the valid files."""

    folder: Path

    @property
    def weights(self) -> Path:
        """A weights file of zoo."""
        return self.folder / "lenet5.safetensors"

    @property
    def torch_weights(self) -> Path:
        """A safetensors file with torchvision's keys."""
        return self.folder / "squeezenet1_1.safetensors"

    @property
    def image(self) -> Path:
        """A PNG file."""
        return self.folder / "image.png"

    @property
    def binary_weights(self) -> Path:
        """A weights file of two classes without names."""
        return self.folder / "binary.safetensors"

    @property
    def run(self) -> Path:
        """A run folder, of two epochs on the digits."""
        return self.folder / "run"

    @property
    def tfds(self) -> Path:
        """A folder of TFDS with the digits, prepared."""
        return self.folder / "tfds"

    @property
    def pack(self) -> Path:
        """A data set of two classes that `zoo data pack` has written."""
        return self.folder / "pack"

    @property
    def half_run(self) -> Path:
        """The same after its first epoch: it can be resumed."""
        return self.folder / "half_run"


def make_seeds(folder: Path) -> Seeds:
    """Write the valid files into the folder. JAX computes in processes that end: this one is forked later."""
    seeds = Seeds(folder)
    folder.mkdir(parents=True)
    seeds.image.write_bytes(image_bytes("PNG"))
    _in_a_process(_write_weights, seeds)
    _in_a_process(_write_pack, seeds)
    _in_a_process(_train, seeds)
    return seeds


def image_bytes(form: str, size: tuple[int, int] = (IMAGE_SIZE, IMAGE_SIZE)) -> bytes:
    """An image of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    stream = io.BytesIO()
    if form == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(Image.fromarray(pixels)).save(stream)
    else:
        Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def idx_files() -> dict[str, bytes]:
    """The four files of a small data set of the MNIST family."""
    files = {}
    for split, count in (("train", 20), ("t10k", 10)):
        images = np.random.default_rng(1).integers(0, 256, (count, 28, 28), np.uint8)
        files[f"{split}-images-idx3-ubyte"] = bytes((0, 0, 8, 3)) + struct.pack(">3I", *images.shape) + images.tobytes()
        labels = np.arange(count, dtype=np.uint8) % 10
        files[f"{split}-labels-idx1-ubyte"] = bytes((0, 0, 8, 1)) + struct.pack(">I", count) + labels.tobytes()
    return files


def gzipped(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files compressed, under their names with .gz."""
    return {f"{name}.gz": gzip.compress(content, 1) for name, content in files.items()}


def _write_weights(seeds: Seeds) -> None:
    import jax

    import zoo
    from zoo.weights import Weights, save
    from zoo.weights.convert import write_weights
    from zoo.weights.files import default_preprocessing

    for name, path, classes, class_names in (
        (NETWORK, seeds.weights, 10, tuple("0123456789")),
        (NETWORK, seeds.binary_weights, 2, ()),
        (TORCH_NETWORK, seeds.torch_weights, 1000, ()),
    ):
        model = zoo.create_model(name, num_classes=classes)
        weights = Weights(
            model=name,
            variables=zoo.init(model, jax.random.key(0)),
            preprocessing=default_preprocessing(name),
            fields={"num_classes": classes},
            class_names=class_names,
            dataset="digits" if class_names else "",
        )
        if name == NETWORK:
            save(path, weights)
        else:
            write_weights(path, weights, "torchvision", half=False)


def _write_pack(seeds: Seeds) -> None:
    from zoo.__main__ import main

    images = seeds.folder / "images"
    for number in range(24):
        path = images / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), (10 * number, 0, 0)).save(path)
    if main(["data", "pack", str(images), str(seeds.pack)]):
        raise RuntimeError("packing failed")


def _train(seeds: Seeds) -> None:
    from zoo.__main__ import main

    os.chdir(seeds.folder)
    os.environ["TFDS_DATA_DIR"] = str(seeds.tfds)
    if main(["train", "--model", NETWORK, "--epochs", "2", "--run-dir", "run"]):
        raise RuntimeError("training failed")
    shutil.copytree(seeds.run, seeds.half_run)
    shutil.rmtree(max((seeds.half_run / "steps").iterdir(), key=lambda step: int(step.name)))
    metrics = seeds.half_run / "metrics.jsonl"
    metrics.write_text(metrics.read_text().splitlines(keepends=True)[0])


def _in_a_process(function, seeds: Seeds) -> None:
    pid = os.fork()
    if not pid:
        os.environ["GLIBC_TUNABLES"] = ""
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            function(seeds)
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(status)
    if status := os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise RuntimeError(f"{function.__name__} failed with status {status}")
