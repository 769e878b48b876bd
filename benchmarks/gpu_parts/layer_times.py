"""The time of each operation in a trace, and the layer that it belongs to by the names in the compiled program."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?(?P<name>[\w.-]+) = ")
OPERATION_NAME = re.compile(r'op_name="(?P<name>[^"]*)"')
CALLS = re.compile(r"(?:calls|to_apply)=%?(?P<name>[\w.-]+)")
COMPUTATION = re.compile(r"^(?:ENTRY )?%?(?P<name>[\w.-]+) \(.*\{$")
# A component of a name that is no module: jit(step), transpose(jvp(ResNet)), and a method, ResNet.classify.
TRANSFORMATION = re.compile(r"\w+\(.*\)|[A-Z]\w*\.\w+|\w+\._\w+")
UPDATE = "update and input"
# Between the operations that one kernel computes.
DELIMITER = "::"


class Place(NamedTuple):
    """Where an operation is from: the path of its layer ("" outside of the network), its pass, and what it is."""

    layer: str
    direction: str
    primitive: str


def nanoseconds(profile: Any) -> Counter[str]:
    """The time of each operation of XLA on the first device, by its name in the compiled program.

    `profile` is a jax.profiler.ProfileData. On a GPU the kernels are those of its streams, on a TPU those of the line
    "XLA Ops"; other lines sum them up. On a CPU they are events of the threads.
    """
    planes = list(profile.planes)
    devices = [plane for plane in planes if re.match(r"/device:(GPU|TPU):0", plane.name)]
    found: Counter[str] = Counter()
    for plane in devices or planes:
        lines = list(plane.lines)
        if devices:
            streams = [line for line in lines if line.name.startswith("Stream")]
            lines = streams or [line for line in lines if line.name == "XLA Ops"]
        for line in lines:
            for event in line.events:
                operation = dict(event.stats).get("hlo_op")
                if operation:
                    found[str(operation).split(DELIMITER)[-1]] += int(event.duration_ns)
    return found


def instruction_names(program: str) -> dict[str, str]:
    """The JAX name of each instruction in the text of a compiled program, for a fusion that of an operation in it."""
    names: dict[str, str] = {}
    called: dict[str, str] = {}
    inside: dict[str, str] = {}
    computation = ""
    for line in program.splitlines():
        if header := COMPUTATION.match(line):
            computation = header["name"]
        elif instruction := INSTRUCTION.match(line):
            if name := OPERATION_NAME.search(line):
                names[instruction["name"]] = name["name"]
                # The root comes last, and is what the fusion computes.
                inside[computation] = name["name"]
            if call := CALLS.search(line):
                called[instruction["name"]] = call["name"]
    return {**{name: inside[call] for name, call in called.items() if call in inside}, **names}


def place_of(name: str, layers: Collection[str]) -> Place:
    """The place of an operation that JAX names so: "jit(step)/transpose(jvp(ResNet))/layer1.0/conv1/conv".

    `layers` are the paths of the modules with parameters; others, such as pools, are called as the network names them.
    The name of an operation on a parameter itself, such as the transpose of a kernel, is that of the parameter.
    """
    name = name.partition(";")[0]
    if "[" in name:
        path = [part.strip("'\\") for part in re.findall(r"\[([^]]+)\]", name)]
        return Place(_longest(path, layers), UPDATE, "parameter")
    *components, primitive = name.split("/")
    network = next((i for i, part in enumerate(components) if "jvp(" in part), None)
    is_backward = any(part.startswith("transpose(") for part in components)
    direction = UPDATE if network is None else "backward" if is_backward else "forward"
    inside = [part for part in components if not TRANSFORMATION.fullmatch(part)]
    layer = next(filter(None, (_longest(inside[start:], layers) for start in range(len(inside)))), "")
    if not layer and network is not None:
        layer = next((part for part in components[network + 1 :] if not TRANSFORMATION.fullmatch(part)), "")
    return Place(layer, direction, primitive)


def _longest(parts: Sequence[str], layers: Collection[str]) -> str:
    """The longest path of a layer that the parts begin with, "" for none."""
    paths = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((path for path in paths if path in layers), "")
