"""The file of a source on this machine: of an installed package, of the cache, or downloaded into that."""

import hashlib
import importlib.util
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from zoo.errors import ZooError
from zoo.runtime.cache_folder import cache_folder
from zoo.weights.download import digest_of, download
from zoo.weights.hub import COMMIT, hub_file
from zoo.weights.published import Source


def present_file(source: Source) -> Path | None:
    """The file where it is installed or cached already."""
    if source.package:
        return _packaged(source)
    if source.hub and source.revision == "main":
        commits = _hub_folder(source).glob(f"*/{source.file}")
        return max(commits, key=lambda path: path.stat().st_mtime, default=None)
    path = _cached(source)
    return path if path.is_file() else None


def fetch(source: Source) -> Path:
    """The source's file, checked against its SHA-256 when it is downloaded, and each time in a package.

    Raises ZooError where it cannot be had, or is not the file that it should be.
    """
    if path := present_file(source):
        if source.package:
            check_digest(path, source.sha256)
        return path
    if source.package:
        raise ZooError(f"{source.tag} is not installed: pip install {source.package}")
    if not source.hub:
        return download(source.url, _cached(source), source.sha256)
    found = hub_file(source.hub, source.file, source.revision)
    if not found.sha256.startswith(source.sha256):
        raise ZooError(f"the hub has another {source.file} of {source.hub} than the one known here: {found.sha256}")
    return download(found.url, _hub_folder(source) / found.commit / source.file, found.sha256)


def fetch_url(url: str) -> Path:
    """The file of a file://, https:// or http:// URL, whose end may be #sha256= and the digest, or its first digits.

    What comes from the network is cached by its URL. Raises ZooError for other kinds of URL, for http:// without a
    digest, and as `fetch` does.
    """
    parts = urlsplit(url)
    kind, _, sha256 = parts.fragment.partition("=")
    if parts.fragment and (kind != "sha256" or not re.fullmatch(r"[0-9a-fA-F]{8,64}", sha256)):
        raise ZooError(f"{url}: its end should be #sha256= and 8 to 64 hexadecimal digits")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise ZooError(f"{url} is on another machine: a local file is file:///folder/name")
        path = Path(url2pathname(parts.path))
        if sha256:
            check_digest(path, sha256)
        return path
    if parts.scheme not in ("https", "http"):
        raise ZooError(f"{url}: weights come from https:// and file:// URLs")
    if parts.scheme == "http" and not sha256:
        raise ZooError(f"{url} could be changed on its way: use https://, or add #sha256= and its digest")
    address = parts._replace(fragment="").geturl()
    folder = _folder() / "url" / hashlib.sha256(address.encode()).hexdigest()[:16] / (sha256.lower() or "unchecked")
    return download(address, folder / _safe_name(parts.path), sha256)


def check_digest(path: Path, sha256: str) -> None:
    """Raises ZooError where a local file has another SHA-256, or cannot be read."""
    if not (found := digest_of(path)).startswith(sha256.lower()):
        raise ZooError(f"{path} has the SHA-256 {found}, not {sha256}: it was changed or damaged")


def pinned(revision: str) -> str:
    """A commit of the hub, as a user gives it. Raises ZooError for less than its 40 digits."""
    if not COMMIT.fullmatch(revision):
        raise ZooError(f"{revision!r} is no revision: the 40 hexadecimal digits of a commit are needed")
    return revision


def _folder() -> Path:
    return cache_folder() / "weights"


def _cached(source: Source) -> Path:
    if source.hub:
        return _hub_folder(source) / source.revision / source.file
    return _folder() / source.tag.split("/")[0] / source.file


def _hub_folder(source: Source) -> Path:
    return _folder() / "hub" / source.hub


def _packaged(source: Source) -> Path | None:
    """Found without importing the package: none of its code is run."""
    found = importlib.util.find_spec(source.package.replace("-", "_"))
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / source.file).is_file():
            return path
    return None


def _safe_name(url_path: str) -> str:
    """The last part of a URL's path, if it is a plain file name: nothing escapes the cache."""
    name = PurePosixPath(unquote(url_path)).name
    return name if re.fullmatch(r"\w[\w.+-]{0,200}", name) else "weights"
