"""The keys of another library for the modules of a network: rules as data, and the function that applies them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from string import ascii_lowercase
from types import MappingProxyType

from zoo.errors import ZooError


@dataclass(frozen=True)
class KeyMap:
    """The keys of one library for a family of networks.

    A rule is (our path, their key). In our path, `{s}` matches a number and `{Name}`, with a capital, matches any one
    part; in their key they stand for the matched text, `{s-1}` for one less, `{s:letter}` for the letter of that
    number ("a" of 1). The first rule that matches the whole path applies. Paths are those of modules ("conv1/bn"); a
    parameter that belongs to no Conv, Dense or norm is matched by its full path.

    `flattened`: for a dense layer that sees flattened feature maps, their (channels, height, width); torch flattens in
    this order, we in (height, width, channels).
    `convolved`: our dense layers that are convolutions there, 1x1 or as large as the flattened maps; patterns, as in
    rules.
    `one_dimensional`: our convolutions over one row that have kernels of one dimension there; patterns.
    `depthwise`: our depthwise convolutions, whose kernels [h, w, 1, channels] are [h, w, channels, 1] there; patterns.
    `maps`: our parameters of shape [channels] that have the shape [channels, 1, 1] there.
    `rows`: modules whose parameters of shape [channels] have the shape [1, 1, 1, channels] there; patterns.
    `kernels`: our parameters of shape [channels] that have the shape [channels, 1, 1, 1] there.
    `fields`: those of our network whose modules these are: {"folded": True} where the library has no batch norms.
    `bgr`: the first convolution, where that library's images are blue-green-red; our images are always RGB.
    """

    rules: tuple[tuple[str, str], ...]
    flattened: Mapping[str, tuple[int, int, int]] = field(default_factory=lambda: MappingProxyType({}))
    convolved: tuple[str, ...] = ()
    one_dimensional: tuple[str, ...] = ()
    depthwise: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    fields: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    bgr: str | None = None


def is_one_of(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern matches the path of our module."""
    return any(_pattern(ours).fullmatch(path) for ours in patterns)


def numbered(kind: str, rank: int) -> str:
    """Keras's name of a layer or a variable of this kind that was given none, the `rank`-th from zero of a session."""
    return f"{kind}_{rank}" if rank else kind


def translate(path: str, rules: tuple[tuple[str, str], ...]) -> str:
    """Their key for our path. Raises ZooError where no rule matches."""
    for ours, theirs in rules:
        if match := _pattern(ours).fullmatch(path):
            return re.sub(r"\{(\w+)([+-]\d+|:letter)?\}", partial(_fill, match=match), theirs)
    raise ZooError(f"no rule of the key map matches {path}")


@lru_cache(maxsize=4096)  # each path of a network is compared with hundreds of rules
def _pattern(ours: str) -> re.Pattern:
    parts = re.split(r"\{(\w+)\}", ours)
    slots = (rf"(?P<{name}>{'[^/]+' if name[0].isupper() else '[0-9]+'})" for name in parts[1::2])
    pairs = zip(map(re.escape, parts[::2]), (*slots, ""), strict=True)
    return re.compile("".join(text for pair in pairs for text in pair))


def _fill(slot: re.Match, match: re.Match) -> str:
    found, change = match[slot[1]], slot[2]
    if change == ":letter":
        return ascii_lowercase[int(found) - 1]
    return str(int(found) + int(change)) if change else found
