"""Files as torch.save writes them, made without torch: the zip archive and the format before it."""

import io
import pickle
import sys
import zipfile
from contextlib import contextmanager
from types import ModuleType

import numpy as np

NAMES = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage", "float64": "DoubleStorage"}


def stand_in(module, name):
    """A function that is pickled under this name."""
    function = lambda *_: None  # noqa: E731
    function.__module__, function.__name__, function.__qualname__ = module, name, name
    return function


REBUILD = stand_in("torch._utils", "_rebuild_tensor_v2")
STORAGES = {dtype: stand_in("torch", name) for dtype, name in NAMES.items()}


class Tensor:
    """A tensor of a file; `size`, `strides` and `count` may be other than those of the array."""

    def __init__(self, array, *, size=None, strides=None, offset=0, count=None):
        self.array, self.offset = np.ascontiguousarray(array), offset
        self.size = self.array.shape if size is None else size
        step = self.array.itemsize
        self.strides = tuple(stride // step for stride in self.array.strides) if strides is None else strides
        self.count = self.array.size if count is None else count


class Pickler(pickle.Pickler):
    """Writes `Tensor` as torch does; `storages` are the arrays by their keys."""

    def __init__(self, file, *, legacy):
        super().__init__(file, protocol=2)
        self.storages, self.legacy = {}, legacy

    def persistent_id(self, value):
        if not isinstance(value, np.ndarray):
            return None
        tensor = self.now
        key = str(len(self.storages))
        self.storages[key] = tensor
        stored = ("storage", STORAGES[tensor.array.dtype.name], key, "cpu", tensor.count)
        return (*stored, None) if self.legacy else stored

    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        self.now = value
        return REBUILD, (value.array, value.offset, value.size, value.strides, False, {})


@contextmanager
def torch_names():
    """The modules in which pickle looks for the names, while a file is written."""
    modules = {name: ModuleType(name) for name in ("torch", "torch._utils")}
    before = {name: sys.modules.get(name) for name in modules}
    setattr(modules["torch._utils"], REBUILD.__name__, REBUILD)
    for storage in STORAGES.values():
        setattr(modules["torch"], storage.__name__, storage)
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def zip_file(contents, *, compression=zipfile.ZIP_STORED, extra=()):
    """The bytes of torch.save's archive; `extra` are other entries, (name, bytes)."""
    pickled, archive = io.BytesIO(), io.BytesIO()
    with torch_names():
        pickler = Pickler(pickled, legacy=False)
        pickler.dump(contents)
    with zipfile.ZipFile(archive, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled.getvalue())
        file.writestr("archive/byteorder", "little")
        for key, tensor in pickler.storages.items():
            file.writestr(f"archive/data/{key}", tensor.array.tobytes())
        for name, data in extra:
            file.writestr(name, data)
    return archive.getvalue()


def legacy_file(contents):
    """The bytes of the format before torch 1.6."""
    written = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001}):
        pickle.dump(value, written, protocol=2)
    with torch_names():
        pickler = Pickler(written, legacy=True)
        pickler.dump(contents)
    pickle.dump(list(pickler.storages), written, protocol=2)
    for tensor in pickler.storages.values():
        written.write(tensor.count.to_bytes(8, "little", signed=True) + tensor.array.tobytes())
    return written.getvalue()
