"""The ONNX graph that is being built: nodes and constants with internal names, which `serialize` replaces."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.export.onnx.program import ADVICE, NoConversion, Path, Shape, Step

# The sum of windows of different sizes: ONNX has none, but the mean that it is divided to.
WINDOW_SUM = "WindowSum"
# What a free image size may be divided by, rounded down.
PARTS_OF_SIDES = (2, 4, 8, 16, 32)


@dataclass(eq=False)
class Node:
    """A node of the graph, of the module at `path`."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    path: Path


@dataclass(eq=False)
class GraphBuilder:
    """Nodes in the order in which they run, constants, and the shape in each trace and the type of every value.

    `labels` are the variables that constants are, or are computed from. `path` is that of the module whose steps are
    being converted. `images` is the input, `sizes` are its shapes, whose free dimensions differ.
    """

    sizes: tuple[Shape, ...]
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    labels: dict[str, Path] = field(default_factory=dict)
    shapes: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    dtypes: dict[str, np.dtype] = field(default_factory=dict)
    producers: dict[str, Node] = field(default_factory=dict)
    path: Path = ()
    images: str = ""

    def value(self, shapes: Sequence[Shape], dtype: Any) -> str:
        """A new value."""
        name = f"v{len(self.shapes)}"
        self.shapes[name] = tuple(tuple(int(size) for size in shape) for shape in shapes)
        self.dtypes[name] = np.dtype(dtype)
        return name

    def constant(self, array: Any, label: Path = ()) -> str:
        """A new constant; `label` is the path of the variable that it is."""
        array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        name = self.value([array.shape] * len(self.sizes), array.dtype)
        self.constants[name] = array
        if label:
            self.labels[name] = label
        return name

    def integers(self, numbers: Iterable[int]) -> str:
        """A new constant vector of int64, as nodes take axes and sizes."""
        return self.constant(np.asarray(list(numbers), np.int64))

    def scalar(self, number: float, like: str) -> str:
        """A new constant number of the type of another value."""
        return self.constant(np.asarray(number, self.dtypes[like]))

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        shapes: Sequence[Shape] | None = None,
        dtype: Any = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """A new node with one output, whose shapes and type are those of its first input where they are not given."""
        shapes = self.shapes[inputs[0]] if shapes is None else shapes
        output = self.value(shapes, self.dtypes[inputs[0]] if dtype is None else dtype)
        node = Node(op, list(inputs), [output], dict(attributes or {}), self.path)
        self.nodes.append(node)
        self.producers[output] = node
        return output

    def binary(self, op: str, left: str, right: str, dtype: Any = None) -> str:
        """An elementwise node of two values, which broadcast as in NumPy."""
        pairs = zip(self.shapes[left], self.shapes[right], strict=True)
        return self.node(op, [left, right], [np.broadcast_shapes(*pair) for pair in pairs], dtype)

    def same(self, numbers: Sequence[Any], what: str) -> Any:
        """What is the same in all traces; raises NoConversion, which says `what` depends on a free dimension."""
        first, *others = numbers
        if any(one != first for one in others):
            raise self.refusal(f"{what} depends on the batch or the image size: export it with these fixed")
        return first

    def settings(self, step: Step, *names: str) -> dict[str, Any]:
        """These parameters of an operation; raises NoConversion where one depends on a free dimension."""
        return {name: self.same([one[name] for one in step.params], f"{name} of {step.primitive}") for name in names}

    def refusal(self, message: str) -> NoConversion:
        """The error for the module whose steps are being converted, with advice where the message has none."""
        advice = f": {ADVICE}" if message.endswith("no ONNX form") else ""
        return NoConversion(f"{'/'.join(self.path) or 'the network'}: {message}{advice}")

    # What only moves values

    def transpose(self, name: str, permutation: Sequence[int]) -> str:
        """The axes in another order; of several transposes in a row, only the last one stays."""
        producer = self.producers.get(name)
        if producer is not None and producer.op == "Transpose":
            inner = producer.attributes["perm"]
            return self.transpose(producer.inputs[0], [inner[axis] for axis in permutation])
        if list(permutation) == list(range(len(permutation))):
            return name
        shapes = [tuple(shape[axis] for axis in permutation) for shape in self.shapes[name]]
        return self.node("Transpose", [name], shapes, attributes={"perm": list(permutation)})

    def reshape(self, name: str, shapes: Sequence[Shape]) -> str:
        """Other shapes; of several reshapes in a row, only the last one stays."""
        producer = self.producers.get(name)
        if producer is not None and producer.op == "Reshape":
            return self.reshape(producer.inputs[0], shapes)
        shapes = tuple(map(tuple, shapes))
        return name if self.shapes[name] == shapes else self.node("Reshape", [name], shapes)

    def add_targets(self) -> None:
        """Give each Reshape and Resize its sizes. Before that some of them have turned out to be of no use."""
        nodes = self.nodes
        self.nodes = []
        for node in nodes:
            self.path = node.path
            if node.op == "Reshape":
                node.inputs.append(self._target(node.inputs[0], self.shapes[node.outputs[0]]))
            if node.op == "Resize":
                node.inputs.extend(self._resize_target(node.inputs[0], self.shapes[node.outputs[0]]))
            self.nodes.append(node)

    def _resize_target(self, name: str, shapes: Sequence[Shape]) -> list[str]:
        """The other inputs of a Resize: the scales of its axes where float32 has them, else the sizes."""
        scales = []
        for old, new in zip(zip(*self.shapes[name], strict=True), zip(*shapes, strict=True), strict=True):
            ratios = {np.float32(m / n) for n, m in zip(old, new, strict=True)}
            scale = float(min(ratios))
            if len(ratios) == 1 and all(scale * n == m for n, m in zip(old, new, strict=True)):
                scales.append(scale)
        if len(scales) == len(shapes[0]):
            return ["", self.constant(np.asarray(scales, np.float32))]
        return ["", "", self.shape_vector(shapes)]

    def _target(self, name: str, shapes: Sequence[Shape]) -> str:
        """The second input of a Reshape: a constant where one of -1 and 0 (as in the input) says all that is free."""
        numbers: list[int | None] = []
        for axis, sizes in enumerate(zip(*shapes, strict=True)):
            given = [shape[axis] if axis < len(shape) else None for shape in self.shapes[name]]
            free = len(set(sizes)) > 1
            numbers.append(None if free and list(sizes) != given else 0 if free else sizes[0])
        if 0 in [size for shape in shapes for size in shape]:
            raise self.refusal("an empty array has no ONNX form here")
        if numbers.count(None) <= 1:
            return self.integers([-1 if number is None else number for number in numbers])
        return self.shape_vector(shapes)

    def shape_vector(self, shapes: Sequence[Shape]) -> str:
        """A shape as a vector of int64, computed from the shape of the images where it is free."""
        parts = [
            self.integers([sizes[0]]) if len(set(sizes)) == 1 else self._free_size(sizes)
            for sizes in zip(*shapes, strict=True)
        ]
        if all(part in self.constants for part in parts):
            return self.constant(np.concatenate([self.constants[part] for part in parts]))
        return self.node("Concat", parts, [(len(parts),)] * len(self.sizes), np.int64, {"axis": 0})

    def size_of(self, name: str, axis: int) -> str:
        """The size of a value along an axis, a scalar."""
        shape = self.node("Shape", [name], [(len(one),) for one in self.shapes[name]], np.int64)
        position = self.constant(np.asarray(axis, np.int64))
        return self.node("Gather", [shape, position], [()] * len(self.sizes), np.int64, {"axis": 0})

    def _free_size(self, sizes: Sequence[int]) -> str:
        """A vector with one size: a product of a constant and sizes of the images, or the size of another value."""
        vector = [(1,)] * len(self.sizes)
        for axes in ((0,), (1,), (2,), (1, 2), (0, 1, 2)):
            of_images = [math.prod(shape[axis] for axis in axes) for shape in self.sizes]
            factors = {size / one for size, one in zip(sizes, of_images, strict=True)}
            if len(factors) == 1 and (factor := factors.pop()).is_integer():
                shape = self.node("Shape", [self.images], [(4,)] * len(self.sizes), np.int64)
                found = self.node("Gather", [shape, self.integers(axes)], [(len(axes),)] * len(vector), np.int64)
                if len(axes) > 1:
                    found = self.node("ReduceProd", [found], vector, attributes={"keepdims": 1})
                return found if factor == 1 else self.binary("Mul", found, self.integers([int(factor)]))
        if (other := self._size_of_another(sizes)) is not None:
            return self.node("Unsqueeze", [other, self.integers([0])], vector)
        raise self.refusal(
            "its shape follows from the image size in a way that has no ONNX form: export it with a fixed size"
        )

    def _size_of_another(self, sizes: Sequence[int]) -> str | None:
        """A size that an earlier value has, as that to which maps are resized before they are added; or a part."""
        for node in reversed(self.nodes):
            for axis, others in enumerate(zip(*self.shapes[node.outputs[0]], strict=True)):
                if others == tuple(sizes):
                    return self.size_of(node.outputs[0], axis)
        for axis in (1, 2):
            for divisor in PARTS_OF_SIDES:
                if [shape[axis] // divisor for shape in self.sizes] == list(sizes):
                    whole = self.size_of(self.images, axis)
                    return self.binary("Div", whole, self.constant(np.asarray(divisor, np.int64)))
        return None

    def expand(self, name: str, shapes: Sequence[Shape]) -> str:
        """Repeated along axes of size 1."""
        shapes = tuple(map(tuple, shapes))
        if self.shapes[name] == shapes:
            return name
        return self.node("Expand", [name, self.shape_vector(shapes)], shapes)

    def gather(self, name: str, axis: int, indices: np.ndarray) -> str:
        """Constant positions along an axis."""
        shapes = [(*shape[:axis], len(indices), *shape[axis + 1 :]) for shape in self.shapes[name]]
        return self.node("Gather", [name, self.integers(indices)], shapes, attributes={"axis": axis})

    def cast(self, name: str, dtype: Any) -> str:
        """Another type."""
        if self.dtypes[name] == np.dtype(dtype):
            return name
        return self.node("Cast", [name], dtype=dtype, attributes={"to": np.dtype(dtype)})
