"""Find the state dict in what a training script has saved, under any names and in any nesting.

A state dict is a mapping from text to arrays. Of several, an exponential moving average (EMA) comes first, then the
names below, in timm's order, then the one with the most arrays; the state of optimizers is none.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, ZooWarning, list_some

NAMES = (
    "state_dict_ema",
    "model_ema",
    "state_dict",
    "model",
    "model_state_dict",
    "model_state",
    "net",
    "network",
    "weights",
)
CONTAINERS = (Mapping, list, tuple)
# Of mappings within mappings: training scripts write three.
MAX_DEPTH = 20
NO_NETWORK = re.compile(r"optim|scheduler|scaler", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class StateDict:
    """A state dict in a file: `names` are those of the mappings around it, the outermost first."""

    names: tuple[str, ...]
    arrays: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The names as text; for a file that is a state dict itself, "the file itself"."""
        return ".".join(self.names) or "the file itself"

    @property
    def is_ema(self) -> bool:
        """Whether a name says that it is an exponential moving average, such as "model_ema" or "ema.module"."""
        return any(map(is_ema, self.names))

    @property
    def has_statistics(self) -> bool:
        """Whether it has the running mean of a batch norm, which an average of the parameters alone lacks."""
        return any(key.endswith("running_mean") for key in self.arrays)

    @property
    def rank(self) -> int:
        """The place of its names in `NAMES`, after all of them where it has other names."""
        return min((NAMES.index(name) for name in self.names if name in NAMES), default=len(NAMES))


def find_state_dict(path: Path | str, contents: Any) -> Mapping[str, Any]:
    """The state dict in the contents of the file at `path`: a tree of mappings and sequences with arrays.

    A ZooWarning says which one was taken where there is an exponential moving average beside another. Raises ZooError
    where there is none, and where two have the same keys and nothing tells which is meant.
    """
    found = sorted(_state_dicts(contents), key=lambda one: (one.rank, -len(one.arrays)))
    if not found:
        raise ZooError(f"{path} {_no_state_dict(contents)}")
    averages, others = ([one for one in found if one.is_ema is wanted] for wanted in (True, False))
    if not averages or not others:
        return _first(path, found).arrays
    average, other = _first(path, averages), _first(path, others)
    if average.has_statistics or not other.has_statistics:
        _warn(f"{path}: {average.name} is read, the exponential moving average, and not {other.name}")
        return average.arrays
    _warn(f"{path}: {other.name} is read, and not {average.name}, which has no statistics of batch norm")
    return other.arrays


def is_ema(name: str) -> bool:
    """Whether a name has "ema" as a word of its own, such as "model_ema", "emaModel" or "ema.module."."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return "ema" in re.split(r"[^a-z]+", words.lower())


def is_array(value: Any) -> bool:
    """Whether a value is an array or a tensor."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _state_dicts(contents: Any) -> Iterator[StateDict]:
    """All of them; each mapping and each sequence is looked into once, as a file may hold one that contains itself."""
    seen: set[int] = set()
    waiting: list[tuple[tuple[str, ...], Any]] = [((), contents)] if isinstance(contents, CONTAINERS) else []
    while waiting:
        names, container = waiting.pop()
        if id(container) in seen or len(names) > MAX_DEPTH or NO_NETWORK.search(" ".join(names[-1:])):
            continue
        seen.add(id(container))
        if isinstance(container, Mapping):
            arrays = {key: value for key, value in container.items() if isinstance(key, str) and is_array(value)}
            if any(len(value.shape) for value in arrays.values()):  # a counter alone is none
                yield StateDict(names, arrays)
            inner = container.items()
        else:
            inner = dict(enumerate(container)).items()
        for name, value in inner:
            if isinstance(value, CONTAINERS):
                waiting.append(((*names, str(name)), value))


def _first(path: Path | str, found: list[StateDict]) -> StateDict:
    """The first, where the next does not come from a name of the same rank with the same keys."""
    first = found[0]
    same = [one for one in found if one.rank == first.rank and one.arrays.keys() == first.arrays.keys()]
    if len(same) > 1:
        names = ", ".join(sorted(one.name for one in same))
        raise ZooError(f"{path} holds several state dicts with the same keys, {names}: save the one that is meant")
    return first


def _no_state_dict(contents: Any) -> str:
    if isinstance(contents, Mapping) and contents:
        return f"holds no state dict, which is tensors by name: its own keys are {list_some(map(str, contents), 5)}"
    if isinstance(contents, Mapping):
        return "holds no tensors"
    return f"holds a {'tensor' if is_array(contents) else type(contents).__name__}, not a state dict"


def _warn(text: str) -> None:
    warnings.warn(text, ZooWarning, stacklevel=2)
