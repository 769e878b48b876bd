"""Files of torch: zip archives with a pickle, and the pickles of old versions.

The pickles are assembled here, so that the fuzz command needs no torch to write what torch would not.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import Content, files
from tests.fuzz.kinds.safetensors_files import METADATA, split
from tests.fuzz.mutate import damaged
from tests.fuzz.outcome import CANARY
from tests.fuzz.seeds import TORCH_NETWORK, Seeds

# What a stranger's pickle calls; the file would be beside the folder in which the command runs.
ATTACKS = {
    "os.system": ("os", "system", f"touch ../{CANARY}"),
    "posix.system": ("posix", "system", f"touch ../{CANARY}"),
    "builtins.exec": ("builtins", "exec", f"open('../{CANARY}', 'w')"),
    "builtins.eval": ("builtins", "eval", f"open('../{CANARY}', 'w')"),
    "torch.hub": ("torch.hub", "load_local", f"../{CANARY}"),
    "torch.load": ("torch", "load", "w.pth"),
    "numpy.load": ("numpy", "load", "w.npz"),
    "pathlib.Path.touch": ("pathlib", "Path.touch", f"../{CANARY}"),
}


def text(value: str) -> bytes:
    """Pickled text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """A pickled whole number."""
    content = pickle.encode_long(value)
    return b"\x8a" + bytes((len(content),)) + content


def sequence(values: tuple[int, ...]) -> bytes:
    """A pickled tuple of numbers."""
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(
    key: str, elements: int, shape: tuple[int, ...], stride: tuple[int, ...] | None = None, offset: int = 0
) -> bytes:
    """A pickled float32 tensor, a view of the storage `key`; by default contiguous."""
    if stride is None:
        stride = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(elements) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    parts = storage + number(offset) + sequence(shape) + sequence(stride) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + parts + b"tR"


def mapping(items: Mapping[str, bytes]) -> bytes:
    """A pickled dict of pickled values."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def archive(content: bytes, storages: Mapping[str, bytes], more: Mapping[str, bytes] | None = None) -> bytes:
    """A torch file: the pickle and the bytes of its storages."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02" + content + b".")
        file.writestr("archive/byteorder", "little")
        for key, data in storages.items():
            file.writestr(f"archive/data/{key}", data)
        for name, data in (more or {}).items():
            file.writestr(name, data, zipfile.ZIP_DEFLATED, 1)
        file.writestr("archive/version", "3\n")
    return stream.getvalue()


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """The cases of torch files."""

    def case(name: str, content: Content, expected: Any = "refused") -> Case:
        arguments = ("convert", "w.pth", "out.safetensors", "--model", TORCH_NETWORK)
        write = files({"w.pth": content})
        return Case(kind="torch files", name=name, arguments=arguments, write=write, expected=expected)

    tensors, storages = _valid(seeds)
    content = archive(mapping(tensors), storages)
    yield case("valid", content, "works")
    for name, changed in damaged(content, seed, count):
        yield case(name, changed, "either")
    for name, changed in wrong_tensors(tensors, storages):
        yield case(name, archive(mapping(changed), storages))
    for name, (module, function, argument) in ATTACKS.items():
        call = f"c{module}\n{function}\n".encode() + b"(" + text(argument) + b"tR"
        yield case(f"calls {name}", archive(mapping({**tensors, "x": call}), storages))
        yield case(f"an old file that calls {name}", b"\x80\x02" + call + b".")
    for name, strange in strange_pickles().items():
        yield case(name, archive(strange, storages))
        yield case(f"an old file: {name}", b"\x80\x02" + strange + b".")
    for name, more in {
        "an entry outside": {f"../{CANARY}": b"x"},
        "an absolute entry": {f"/{CANARY}": b"x"},
        "20,000 entries": {f"archive/x{i}": b"" for i in range(20_000)},
        "TorchScript": {"archive/constants.pkl": b"\x80\x02).", "archive/code/__torch__.py": b"import os"},
    }.items():
        yield case(name, archive(mapping(tensors), storages, more), "either")
    yield case("storages are missing", archive(mapping(tensors), {}))
    yield case("storages are short", archive(mapping(tensors), {key: data[:-4] for key, data in storages.items()}))
    zeros, pickled = 700 << 20, mapping(tensors)
    yield case("an entry of zeros", lambda: archive(pickled, storages, {"archive/x": bytes(zeros)}), "either")
    yield case("a storage of zeros, compressed", lambda: _compressed(pickled, {**storages, "0": bytes(zeros)}))


def wrong_tensors(
    tensors: Mapping[str, bytes], storages: Mapping[str, bytes]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """State dicts of which one tensor is not what it should be."""
    key = next(iter(tensors))
    elements = len(storages["0"]) // 4
    for name, changed in {
        "a stride of 0 makes a terabyte": tensor("0", 1, (2**19, 2**19), (0, 0)),
        "a stride of 0 makes 2^120 values": tensor("0", 1, (2**60, 2**60), (0, 0)),
        "a stride of 0 in the right shape": tensor("0", 1, (64, 3, 3, 3), (0, 0, 0, 0)),
        "a negative stride": tensor("0", elements, (64, 3, 3, 3), (-27, 9, 3, 1)),
        "a negative size": tensor("0", elements, (-64, 3, 3, 3)),
        "a negative offset": tensor("0", elements, (64, 3, 3, 3), offset=-1),
        "an offset beyond the storage": tensor("0", elements, (64, 3, 3, 3), offset=2**40),
        "a storage of a terabyte": tensor("0", 2**40, (64, 3, 3, 3)),
        "a storage of 2^70 values": tensor("0", 2**70, (64, 3, 3, 3)),
        "a storage of -1 values": tensor("0", -1, (64, 3, 3, 3)),
        "a storage that is not there": tensor("x", elements, (64, 3, 3, 3)),
        "a storage with a path": tensor("../../etc/passwd", elements, (64, 3, 3, 3)),
        "100,000 dimensions": tensor("0", elements, (1,) * 100_000),
        "another shape": tensor("0", elements, (64, 27)),
        "a number": number(1),
        "a text": text("nonsense"),
        "None": b"N",
        "a sparse tensor": b"ctorch._utils\n_rebuild_sparse_tensor\n(N(tR",
        "a tensor of the device meta": b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat32\n"
        + sequence((2**30, 2**30)) + sequence((2**30, 1)) + b"\x89tR",
    }.items():  # fmt: skip
        yield name, {**tensors, key: changed}
    huge = {f"x{i}": tensor("0", 1, (2**28,), (0,)) for i in range(50)}
    yield "fifty more of a gigabyte, of one value", {**tensors, **huge}
    yield "one less", {name: value for name, value in tensors.items() if name != key}
    yield "a key with an escape", {**tensors, "\x1b[31m\n": tensor("0", elements, (elements,))}


def strange_pickles() -> dict[str, bytes]:
    """Pickles that are no state dict, or that take much memory or depth."""
    laughs = b"".join(b"(" + b"h" + bytes((i,)) + (b"h" + bytes((i,))) * 9 + b"tq" + bytes((i + 1,)) for i in range(30))
    return {
        "nothing": b"N",
        "a list": b"]",
        "an empty dict": b"}",
        "nested lists": b"]" * 1 + b"](" * 50_000 + b"e" * 50_000,
        "nested dicts": (b"}" + text("model")) * 50_000 + b"}" + b"s" * 50_000,
        "a dict that holds itself": b"}q\x00" + text("state_dict") + b"h\x00s",
        "a billion laughs": b"(tq\x00" + laughs,
        "a text of 2^63 bytes": b"\x8d" + struct.pack("<Q", 2**63) + b"x",
        "bytes of 2^40": b"\x8e" + struct.pack("<Q", 2**40) + b"x",
        "a number of a million digits": b"L" + b"9" * 1_000_000 + b"L\n",
        "no end": b"}",
        "an unknown opcode": b"\xff",
        "an empty stack": b"R",
        "a memo of 2^31": b"Nr\xff\xff\xff\x7f",
        "a persistent id": b"(" + text("storage") + b"tQ",
        "keys that are numbers": b"}" + number(1) + number(2) + b"s",
    }


def _valid(seeds: Seeds) -> tuple[dict[str, bytes], dict[str, bytes]]:
    header, data = split(seeds.torch_weights.read_bytes())
    tensors, storages = {}, {}
    described = [(key, value) for key, value in header.items() if key != METADATA]
    # Its first tensor is the one that the cases change.
    described.sort(key=lambda item: item[0] != "features.0.weight")
    for index, (key, value) in enumerate(described):
        start, end = value["data_offsets"]
        tensors[key] = tensor(str(index), (end - start) // 4, tuple(value["shape"]))
        storages[str(index)] = data[start:end]
    return tensors, storages


def _compressed(content: bytes, storages: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("archive/data.pkl", b"\x80\x02" + content + b".")
        for key, data in storages.items():
            file.writestr(f"archive/data/{key}", data)
        file.writestr("archive/version", "3\n")
    return stream.getvalue()
