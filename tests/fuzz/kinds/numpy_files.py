"""NumPy archives of arrays by name."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
from safetensors.numpy import load

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import Content, files, zip_archive
from tests.fuzz.mutate import damaged
from tests.fuzz.outcome import CANARY
from tests.fuzz.seeds import TORCH_NETWORK, Seeds


class RunsCode:
    """Pickled, it would write the canary."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch ../{CANARY}",)


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of .npz files."""

    def case(name: str, content: Content, expected: Any = "refused") -> Case:
        arguments = ("convert", "w.npz", "out.safetensors", "--model", TORCH_NETWORK)
        write = files({"w.npz": content})
        return Case(kind="NumPy files", name=name, arguments=arguments, write=write, expected=expected)

    stream = io.BytesIO()
    arrays = load(seeds.torch_weights.read_bytes())
    np.savez(stream, **arrays)
    yield case("valid", stream.getvalue(), "works")
    for name, changed in damaged(stream.getvalue(), seed, count):
        yield case(name, changed, "either")
    key = next(iter(arrays))
    members = {f"{name}.npy": _array(value) for name, value in arrays.items()}
    for name, member in {
        "an object": _objects(),
        "a shape of a terabyte": _header("(1048576, 1048576)"),
        "a shape that overflows": _header("(18446744073709551616,)"),
        "a negative shape": _header("(-1,)"),
        "a shape of numbers": _header("(1.5,)"),
        "a nested header": b"\x93NUMPY\x01\x00" + (60_000).to_bytes(2, "little") + b"(" * 60_000,
        "a header of 4 GB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        "a type of records": _header("(1,)", "[('a', '<f4', (1000000, 1000000))]"),
        "a type that is code": _header("(1,)", "__import__('os')"),
        "text": b"nonsense",
    }.items():
        yield case(name, zip_archive({**members, f"{key}.npy": member}))
    zeros = 175 << 20
    huge = lambda: zip_archive({**members, f"{key}.npy": _header(f"({zeros},)") + bytes(4 * zeros)})  # noqa: E731
    yield case("700 MB of zeros", huge)
    yield case("a pickle", pickle.dumps({"x": RunsCode()}))
    yield case("an entry outside", zip_archive({**members, f"../{CANARY}.npy": b"x"}), "either")


def _array(value: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value)
    return stream.getvalue()


def _objects() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([RunsCode()], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _header(shape: str, kind: str = "'<f4'") -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
