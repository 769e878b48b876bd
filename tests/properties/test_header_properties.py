"""Whatever a header claims, what is read is what the file holds, or the file is refused."""

import gzip
import io
import json
import math
import struct
import zipfile

import numpy as np
import pytest
from examples import check, examples
from hypothesis import strategies as st

from tests.fuzz.kinds import torch_files
from zoo.data.errors import DataError
from zoo.data.sources.idx import read_idx
from zoo.errors import ZooError
from zoo.weights.read_state_dict import read_state_dict

SIZES = st.integers(0, 6) | st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1])
# Beyond what eight bytes hold, too.
ANY_INTEGERS = st.integers(-4, 40) | st.sampled_from([2**31, 2**40, 2**63, 2**64, -(2**63)])
CONTENT = np.arange(24, dtype=np.uint8).tobytes()


@examples
@pytest.mark.parametrize("name", ["x-idx3-ubyte", "x-idx3-ubyte.gz"])
def test_idx(tmp_path, count, name):
    file = tmp_path / name

    def holds(magic, shape, data):
        content = magic + struct.pack(">3I", *shape) + data
        file.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
        try:
            pixels = read_idx(file, 3)
        except DataError:
            assert magic != b"\0\0\x08\x03" or 0 in shape or math.prod(shape) != len(data)
        else:
            assert pixels.shape == shape and pixels.tobytes() == data

    magic = st.just(b"\0\0\x08\x03") | st.binary(min_size=4, max_size=4)
    data = st.just(CONTENT) | st.binary(max_size=40)
    check(count, holds, magic, st.tuples(SIZES, SIZES, SIZES) | st.just((2, 3, 4)), data)


@examples
def test_safetensors(tmp_path, count):
    file = tmp_path / "x.safetensors"

    def holds(kind, shape, offsets, length):
        header = json.dumps({"x": {"dtype": kind, "shape": shape, "data_offsets": offsets}}).encode()
        file.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + CONTENT)
        try:
            array = read_state_dict(file)["x"]
        except ZooError:
            assert (kind, shape, offsets, length) != ("F32", [2, 3], [0, 24], None)
        else:
            # Half precision becomes float32.
            assert list(array.shape) == shape and array.nbytes >= len(CONTENT)

    kinds = st.sampled_from(["F32", "U8", "I64", "BF16", "F8_E4M3", "F4", "BOOL", "nonsense"])
    shapes = st.just([2, 3]) | st.lists(ANY_INTEGERS, max_size=4)
    offsets = st.just([0, 24]) | st.lists(ANY_INTEGERS, min_size=1, max_size=3)
    lengths = st.none() | st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1])
    check(count, holds, kinds, shapes, offsets, lengths)


@examples
def test_npz(tmp_path, count):
    file = tmp_path / "x.npz"

    def holds(kind, shape, data):
        header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("x.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data)
        file.write_bytes(stream.getvalue())
        try:
            array = read_state_dict(file)["x"]
        except ZooError:
            assert (kind, shape) != ("<f4", (2, 3)) or len(data) != 24
        else:
            assert array.shape == shape

    kinds = st.sampled_from(["<f4", "|u1", "<f8", "|O", "<i8", "<U4", "nonsense", "V"])
    shapes = st.just((2, 3)) | st.lists(ANY_INTEGERS, max_size=3).map(tuple)
    check(count, holds, kinds, shapes, st.just(CONTENT) | st.binary(max_size=30))


@examples
def test_tensors_of_torch(tmp_path, count):
    file, data = tmp_path / "x.pth", np.arange(6, dtype=np.float32)

    def holds(elements, shape, stride, offset):
        pickled = torch_files.mapping({"x": torch_files.tensor("0", elements, shape, stride, offset)})
        file.write_bytes(torch_files.archive(pickled, {"0": data.tobytes()}))
        try:
            array = read_state_dict(file)["x"]
        except ZooError:
            assert (elements, shape, stride, offset) != (6, (2, 3), (3, 1), 0)
        else:
            # As torch.as_strided: each number is one of the storage.
            places = offset + sum(np.multiply(axis, step) for axis, step in zip(np.indices(shape), stride, strict=True))
            assert array.shape == shape and np.array_equal(array, data[places])

    sizes = st.lists(ANY_INTEGERS, max_size=4).map(tuple)
    elements, shapes, strides, offsets = st.just(6), st.just((2, 3)), st.just((3, 1)), st.just(0)
    check(count, holds, elements | ANY_INTEGERS, shapes | sizes, strides | sizes, offsets | ANY_INTEGERS)


# Values and calls in a pickle of torch's, right and wrong.
NAMES = st.sampled_from(
    [f"torch._utils\n_rebuild_{kind}\n" for kind in ("tensor", "tensor_v2", "tensor_v3", "parameter", "sparse_tensor")]
    + ["torch._tensor\n_rebuild_from_type_v2\n", "collections\nOrderedDict\n", "builtins\ndict\n", "os\nsystem\n"]
    + ["torch\nFloatStorage\n", "torch\nfloat8_e5m2\n", "torch\nSize\n", "argparse\nNamespace\n", "a\nb\n"]
).map(lambda name: b"c" + name.encode())
STORAGE = b"(" + torch_files.text("storage") + b"ctorch\nFloatStorage\n" + torch_files.text("0") + b"NK\x06tQ"
ATOMS = st.one_of(
    NAMES,
    st.sampled_from([b"N", b"\x88", b"]", b"}", b")", b"G" + bytes(8), STORAGE, torch_files.tensor("0", 6, (2, 3))]),
    ANY_INTEGERS.map(torch_files.number),
    st.sampled_from(["", "storage", "0", "model"]).map(torch_files.text),
)
KEY = torch_files.text("key")


def _tuple(values):
    return b"(" + b"".join(values) + b"t"


PICKLES = st.recursive(
    ATOMS,
    lambda inside: st.one_of(
        st.lists(inside, max_size=5).map(_tuple),
        st.lists(inside, max_size=4).map(lambda values: b"](" + b"".join(values) + b"e"),
        st.lists(inside, max_size=2).map(
            lambda values: b"}(" + b"".join([torch_files.text("k") + v for v in values]) + b"u"
        ),
        st.builds(lambda name, values: name + _tuple(values) + b"R", NAMES, st.lists(inside, max_size=8)),
        st.builds(lambda value, state: value + state + b"b", inside, inside),
        inside.map(lambda value: value + b"Q"),
    ),
    max_leaves=12,
)


@examples
@pytest.mark.parametrize("is_old", [False, True])
def test_pickles_of_torch(tmp_path, count, is_old):
    """A pickle is read, or refused: no other exception, and nothing in it runs."""
    file = tmp_path / "x.pth"

    def holds(pickled):
        content = torch_files.mapping({"x": torch_files.tensor("0", 6, (2, 3)), "y": pickled})
        old = b"".join(b"\x80\x02" + part + b"." for part in (MAGIC, torch_files.number(1001), b"}", content, b"]"))
        file.write_bytes(old if is_old else torch_files.archive(content, {"0": bytes(24)}))
        try:
            read_state_dict(file)
        except ZooError as error:
            assert str(error)

    check(count * 2, holds, PICKLES | st.binary(max_size=30))


MAGIC = torch_files.number(0x1950A86A20F9469CFC6C)


@pytest.mark.parametrize("depth", [2, 50_000])
def test_nested_calls_of_torch(tmp_path, depth):
    name = b"ctorch._tensor\n_rebuild_from_type_v2\n"
    nested = (b"(" + name + b"N") * depth + b")" + b"Nt" * depth
    content = torch_files.archive(torch_files.mapping({"x": name + nested + b"R"}), {})
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ZooError):
        read_state_dict(tmp_path / "x.pth")
