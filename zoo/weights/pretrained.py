"""Pretrained networks by name."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.registry import model_info
from zoo.weights.download import digest_of
from zoo.weights.fetch import fetch, fetch_url, pinned, present_file
from zoo.weights.files import FORMAT, Weights, load, read_safetensors
from zoo.weights.from_state_dict import from_state_dict, source_of_snapshot, source_with_digest
from zoo.weights.published import Source, find_source, known_sources, no_such_source
from zoo.weights.read_state_dict import SAFETENSORS, TORCH, read_state_dict


def open_pretrained(name: str, weights: str | Path | None = None) -> Weights:
    """The weights of a network with all that is needed to predict with them.

    `weights` is a tag of `python -m zoo weights NAME`, or part of one ("torchvision", "IMAGENET1K_V2"; with @COMMIT a
    revision of the hub), a file (ours, .safetensors, .pth), a folder with one, or a file:// or https:// URL (which may
    end with #sha256=...). None takes the first source that is on this machine, else downloads the default. A file of
    another library must fit the network, but may have other classes. Raises ZooError.
    """
    model_info(name)
    if weights is None:
        return _from_source(default_source(name))
    if isinstance(weights, str):
        if "://" in weights:
            return _from_file(name, fetch_url(weights))
        if source := _tagged(name, weights):
            return _from_source(source)
    path = Path(weights).expanduser()
    if path.is_dir():
        return _from_file(name, weights_file(path), source_of_snapshot(name, path))
    if not path.exists():
        is_path = isinstance(weights, Path) or path.suffix in SAFETENSORS + TORCH
        raise ZooError(f"there is no file {path}") if is_path else no_such_source(name, str(weights))
    return _from_file(name, path)


def load_pretrained(name: str, weights: str | Path | None = None) -> tuple[Network, dict[str, Any]]:
    """A network and its variables; `weights` as for `open_pretrained`. Raises ZooError."""
    found = open_pretrained(name, weights)
    return found.network(), dict(found.variables)


def default_source(name: str) -> Source:
    """A network's first source that is installed or cached, else the first that can be downloaded and read here."""
    sources = known_sources(name)
    if not sources:
        raise ZooError(f"no pretrained weights are known for {name}: name a file of yours")
    readable = [source for source in sources if _readable(source)]
    present = [source for source in readable if present_file(source)]
    downloads = [source for source in readable if not source.package]
    return (present or downloads or sources)[0]


def weights_file(folder: Path) -> Path:
    """A folder's one weights file, or its model.safetensors. Raises ZooError where it is not clear which."""
    files = sorted(path for path in folder.iterdir() if path.suffix in SAFETENSORS + TORCH)
    whole = folder / "model.safetensors"
    if len(files) == 1 or whole in files:
        return whole if whole in files else files[0]
    names = ", ".join(path.name for path in files) or "none"
    raise ZooError(f"{folder} should hold one weights file, and holds {names}: name the file")


def _tagged(name: str, weights: str) -> Source | None:
    tag, _, revision = weights.partition("@")
    source = find_source(name, tag)
    if source and revision:
        if not source.hub:
            raise ZooError(f"{source.tag} has no revisions: leave out @{revision}")
        # Its digest is known for the one revision alone.
        return replace(source, revision=pinned(revision), sha256="")
    return source


def _readable(source: Source) -> bool:
    return Path(source.file).suffix in SAFETENSORS or importlib.util.find_spec("torch") is not None


def _from_source(source: Source) -> Weights:
    if not _readable(source):
        raise ZooError(
            f"{source.tag} of {source.model} needs torch to be read: install torch (the CPU build will do), or choose "
            f"weights that are safetensors: python -m zoo weights {source.model}"
        )
    return from_state_dict(source.model, read_state_dict(fetch(source)), source=source)


def _from_file(name: str, path: Path, source: Source | None = None) -> Weights:
    if path.suffix in SAFETENSORS and read_safetensors(path)[0].get("format") == FORMAT:
        found = load(path)
        if found.model != name:
            raise ZooError(f"{path} holds weights of {found.model}, not of {name}")
        return found
    state = read_state_dict(path)
    return from_state_dict(name, state, source=source or source_with_digest(name, digest_of(path)))
