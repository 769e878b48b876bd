"""The text of a program that XLA has compiled: its operations, kernels, memory traffic and collectives."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

ITEM_BITS = {
    "pred": 8, "s4": 4, "u4": 4, "s8": 8, "u8": 8, "s16": 16, "u16": 16, "bf16": 16, "f16": 16,
    "f32": 32, "s32": 32, "u32": 32, "f64": 64, "s64": 64, "u64": 64,
}  # fmt: skip
COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
# Copies between memories, or of a slice, that the compiler starts ahead of the kernel that reads them.
COPIES = ("copy-start", "slice-start")
# What moves nothing: names, and the ends of what was started.
FREE = {
    "parameter",
    "constant",
    "get-tuple-element",
    "tuple",
    "bitcast",
    "partition-id",
    "replica-id",
    "after-all",
    "iota",
}

COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) \(.*\{$")
OPERATION = re.compile(
    r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<shape>\(.*?\)|\S+) (?P<opcode>[a-z][\w\-]*)\((?P<rest>.*)$"
)
ARRAY = re.compile(r"\b([a-z]+[0-9]+(?:e[0-9]m[0-9]\w*)?|pred)\[([0-9,]*)\](?P<layout>\{[^}]*\})?")
# Of a layout: a memory space other than the device's main memory, on a TPU mostly that of its vector unit.
ELSEWHERE = re.compile(r"S\([1-9]")
CALLED = re.compile(r"(?:calls|to_apply|body|condition|true_computation|false_computation)=%?([\w.\-]+)")
BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
NAME = re.compile(r"%([\w.\-]+)")


@dataclass(frozen=True)
class Operation:
    """A line of a program: `shape` is XLA's text of the result, `rest` what follows the opcode and its bracket."""

    name: str
    opcode: str
    shape: str
    rest: str

    @cached_property
    def arrays(self) -> list[tuple[str, tuple[int, ...]]]:
        """Type and shape of each array of the result."""
        return [(kind, tuple(int(n) for n in dims.split(",") if n)) for kind, dims, _ in ARRAY.findall(self.shape)]

    @property
    def array_bytes(self) -> list[int]:
        """Of each array of the result."""
        return [math.prod(dims) * ITEM_BITS.get(kind, 8) // 8 for kind, dims in self.arrays]

    @property
    def bytes(self) -> int:
        """Of the result."""
        return sum(self.array_bytes)

    @cached_property
    def in_main_memory(self) -> list[bool]:
        """Of each array of the result."""
        return [not ELSEWHERE.search(found["layout"] or "") for found in ARRAY.finditer(self.shape)]

    @cached_property
    def memory_bytes(self) -> int:
        """Of what is in the main memory of the result."""
        return sum(size for size, here in zip(self.array_bytes, self.in_main_memory, strict=True) if here)

    @cached_property
    def operands(self) -> list[str]:
        """The names of the operands."""
        return NAME.findall(self.rest[: _closing(self.rest)])

    @cached_property
    def called(self) -> list[str]:
        """The names of the computations that it runs."""
        attributes = self.rest[_closing(self.rest) :]
        names = CALLED.findall(attributes)
        for group in BRANCHES.findall(attributes):
            names += NAME.findall(group)
        return names

    def attribute(self, name: str) -> str:
        """What follows NAME= up to a comma or a bracket, or an empty text."""
        found = re.search(rf'\b{name}="?([^,"{{}}]*)', self.rest)
        return found[1].strip() if found else ""


@dataclass(frozen=True)
class Collective:
    """One collective of a program: its kind, and the bytes of each array of its result on a device."""

    kind: str
    results: tuple[int, ...]

    @property
    def result(self) -> int:
        """The bytes of its result on a device."""
        return sum(self.results)

    def sent(self, devices: int) -> float:
        """The bytes that a device sends in a ring of so many."""
        others = (devices - 1) / devices
        return {"all-reduce": 2 * others, "reduce-scatter": devices - 1}.get(self.kind, others) * self.result


@dataclass(frozen=True)
class Program:
    """The computations of a program by name. Those that fusions and reductions call are no kernels of their own."""

    computations: dict[str, dict[str, Operation]]
    entry: str
    executed: tuple[str, ...] = field(default=())

    @cached_property
    def operations(self) -> list[Operation]:
        """All operations, those inside fusions too."""
        return [operation for one in self.computations.values() for operation in one.values()]

    @cached_property
    def kernels(self) -> list[Operation]:
        """What a device is asked to run: all but names, and a collective once. A loop's body counts once.

        Copies that run beside the kernels, which TPUs make of what a kernel will read, are no kernels.
        """
        return [
            operation
            for name in self.executed
            for operation in self.computations[name].values()
            if operation.opcode not in FREE
            and not operation.opcode.endswith("-done")
            and operation.opcode not in ("while", "conditional", "call", *COPIES)
        ]

    @cached_property
    def bytes(self) -> int:
        """What kernels and copies read and write, each operand once: the traffic if nothing stays in a cache."""
        copies = (operation for operation in self._named.values() if operation.opcode in COPIES)
        return sum(map(self.traffic, self.kernels)) + sum(map(_copied, copies))

    def traffic(self, kernel: Operation) -> int:
        """The bytes of the main memory that a kernel reads and writes."""
        return kernel.memory_bytes + sum(
            self._named[name].memory_bytes for name in dict.fromkeys(kernel.operands) if name in self._named
        )

    @cached_property
    def _named(self) -> dict[str, Operation]:
        return {operation.name: operation for name in self.executed for operation in self.computations[name].values()}

    def opcodes(self) -> Counter[str]:
        """The number of operations of each kind, those inside fusions too."""
        return Counter(operation.opcode for operation in self.operations)

    @cached_property
    def collectives(self) -> list[Collective]:
        """Each once, also where it is started and awaited."""
        return [_collective(one) for one in self.kernels if one.opcode.removesuffix("-start") in COLLECTIVES]

    def collective_counts(self) -> dict[str, int]:
        """The number of collectives of each kind, where there are some."""
        kinds = Counter(one.kind for one in self.collectives)
        return {kind: kinds[kind] for kind in COLLECTIVES if kinds[kind]}


def parse_program(text: str) -> Program:
    """The program of the text that `jax.stages.Compiled.as_text` gives."""
    computations: dict[str, dict[str, Operation]] = {}
    entry, current = "", None
    for line in text.splitlines():
        if found := COMPUTATION.match(line):
            current = computations.setdefault(found["name"], {})
            entry = found["name"] if found["entry"] else entry
        elif line.startswith("}"):
            current = None
        elif current is not None and (found := OPERATION.match(line)):
            current[found["name"]] = Operation(found["name"], found["opcode"], found["shape"], found["rest"])
    return Program(computations, entry, _executed(computations, entry))


def _executed(computations: dict[str, dict[str, Operation]], entry: str) -> tuple[str, ...]:
    """The entry, and the computations of its loops, branches and calls; not what fusions and reductions apply."""
    found = [entry]
    for name in found:
        for operation in computations[name].values():
            if operation.opcode in ("while", "conditional", "call", "async-start"):
                found += [one for one in operation.called if one in computations and one not in found]
    return tuple(found)


def _collective(operation: Operation) -> Collective:
    sizes, kind = operation.array_bytes, operation.opcode.removesuffix("-start")
    # What an asynchronous gather starts has its operands before its results.
    if kind != operation.opcode and kind != "all-reduce":
        sizes = sizes[len(sizes) // 2 :]
    return Collective(kind, tuple(sizes))


def _copied(copy: Operation) -> int:
    """The bytes of the main memory that it reads and writes. Its result has source and copy, then a flag."""
    return copy.array_bytes[1] * sum(copy.in_main_memory[:2])


def _closing(text: str) -> int:
    """Where the bracket closes that was open before the text."""
    depth = 1
    for index, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return index
    return len(text)
