"""How the parts of a network of ours are called elsewhere: rules as data, and the one function that reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from zoo.errors import ZooError


@dataclass(frozen=True)
class Names:
    """What a library calls the parts of a family.

    A rule is (our path, their name). In our path `{s}` matches a number and `{Name}`, with a capital, any one part; in
    their name they stand for what was matched, `{s-1}` for one less. The first rule that matches a whole path counts.
    Paths are those of modules ("conv1/bn"); a parameter that no Conv, Dense or norm has is matched by its own path.
    `flattened` gives (channel, height, width) of the maps that a dense layer sees flattened, as torch orders them.
    `convolved` are our dense layers that are convolutions of theirs, 1x1 or as large as the flattened maps.
    `maps` are the parameters that are vectors here and [channel, 1, 1] there.
    `bgr` is the convolution that sees the image, where theirs expects blue first: ours gets red first, always.
    """

    rules: tuple[tuple[str, str], ...]
    flattened: Mapping[str, tuple[int, int, int]] = field(default_factory=lambda: MappingProxyType({}))
    convolved: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    bgr: str | None = None


def translate(path: str, rules: tuple[tuple[str, str], ...]) -> str:
    """Their name for one path of ours. Raises ZooError where no rule matches."""
    for ours, theirs in rules:
        if match := re.fullmatch(_pattern(ours), path):
            return re.sub(r"\{(\w+)([+-]\d+)?\}", lambda slot, match=match: _fill(slot, match), theirs)
    raise ZooError(f"no rule says what {path} is called elsewhere")


def _pattern(ours: str) -> str:
    parts = re.split(r"\{(\w+)\}", ours)
    slots = (rf"(?P<{name}>{'[^/]+' if name[0].isupper() else '[0-9]+'})" for name in parts[1::2])
    return "".join(text for pair in zip(map(re.escape, parts[::2]), (*slots, ""), strict=True) for text in pair)


def _fill(slot: re.Match, match: re.Match) -> str:
    found, offset = match[slot[1]], slot[2]
    return str(int(found) + int(offset)) if offset else found
