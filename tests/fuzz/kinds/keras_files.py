"""Keras's weights files: HDF5, and archives with one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import Content, files, zip_archive
from tests.fuzz.mutate import damaged
from tests.fuzz.outcome import CANARY
from tests.fuzz.seeds import Seeds

NETWORK = "resnet50_keras"
# Keras builds the network, which takes seconds.
SECONDS = 30.0


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of HDF5 files; none where h5py is not installed."""
    try:
        import h5py
    except ImportError:
        return

    def case(name: str, content: Content, file: str = "w.h5", expected: Any = "refused") -> Case:
        arguments = ("convert", file, "out.safetensors", "--model", NETWORK)
        write = files({file: content})
        return Case(kind="Keras files", name=name, arguments=arguments, write=write, expected=expected, seconds=SECONDS)

    content = _hdf5(_small)
    for name, changed in damaged(content, seed, count):
        yield case(name, changed)
        yield case(f"as .keras: {name}", changed, "w.keras")
    for name, fill in strange_files().items():
        yield case(name, _hdf5(fill))
        yield case(f"as .weights.h5: {name}", _hdf5(fill), "w.weights.h5")
    for name, members in {
        "a zip without weights": {"metadata.json": b"{}"},
        "a lambda layer": {
            "config.json": b'{"class_name": "Lambda", "config": {"function": "canary"}}',
            "metadata.json": b'{"keras_version": "3.0.0"}',
            "model.weights.h5": content,
        },
        "an entry outside": {f"../{CANARY}": b"x", "model.weights.h5": content},
    }.items():
        yield case(name, zip_archive(members), "w.keras")
    yield case("700 MB of zeros", lambda: zip_archive({"model.weights.h5": bytes(700 << 20)}), "w.keras")
    assert h5py


def strange_files() -> dict[str, Callable[[Any], None]]:
    """What fills an HDF5 file."""
    return {
        "a small network": _small,
        "a terabyte that is not there": lambda file: file.create_dataset("x/kernel", (2**20, 2**18), "f4", chunks=True),
        "a gigabyte of zeros, compressed": _compressed,
        "a link to another file": lambda file: file.__setitem__("x", _h5py().ExternalLink("/etc/passwd", "/")),
        "data in another file": lambda file: file.create_dataset("x", (10,), "u1", external=[("/etc/passwd", 0, 10)]),
        "a link to itself": lambda file: file.__setitem__("x", _h5py().SoftLink("/x")),
        "a group in itself": lambda file: file.create_group("layers").__setitem__("layers", file["layers"]),
        "objects": lambda file: file.create_dataset("x", data=[f"../{CANARY}"], dtype=_h5py().string_dtype()),
        "100,000 groups": lambda file: [file.create_group(f"g{i}") for i in range(20_000)] and None,
        "layer_names of numbers": lambda file: file.attrs.__setitem__("layer_names", [1, 2, 3]),
        "nothing": lambda file: None,
    }


def _h5py() -> Any:
    import h5py

    return h5py


def _small(file: Any) -> None:
    file.create_dataset("layers/conv2d/vars/0", data=np.zeros((3, 3, 3, 8), np.float32))


def _compressed(file: Any) -> None:
    data = file.create_dataset("layers/conv2d/vars/0", (2**28,), "f4", chunks=(2**22,), compression="gzip")
    data[: 2**22] = 0


def _hdf5(fill: Callable[[Any], None]) -> bytes:
    stream = io.BytesIO()
    with _h5py().File(stream, "w") as file:
        fill(file)
    return stream.getvalue()
