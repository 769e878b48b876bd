"""Published weights as a local file: in an installed package, in the cache, or downloaded into the cache."""

import hashlib
import importlib.util
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from urllib.request import url2pathname

from zoo.errors import ZooError
from zoo.runtime.web.download import download
from zoo.runtime.web.hub import COMMIT, hub_file
from zoo.runtime.web.url import parse_url, redacted
from zoo.weights.hub_cache import hub_folder, known_commit, remember_commit, weights_folder
from zoo.weights.published import PublishedWeights


def local_file(published: PublishedWeights) -> Path | None:
    """The file where it is installed or in the cache, else None."""
    if published.package:
        return _packaged(published)
    path = _cached(published)
    return path if path and path.is_file() else None


def fetch(published: PublishedWeights) -> Path:
    """The file of published weights, downloaded where it is not on this machine.

    The SHA-256 of a download is checked; that of a file in a package is to be checked where it is opened, since another
    file may take its place. Raises ZooError where the file is not available, or a download has another SHA-256.
    """
    if path := local_file(published):
        return path
    if published.package:
        raise ZooError(f"{published.tag} is not installed: pip install {published.package}")
    if not published.hub:
        return download(published.url, _url_file(published), published.sha256)
    found = hub_file(published.hub, published.file, published.revision)
    if not found.sha256.startswith(published.sha256):
        raise ZooError(
            f"the SHA-256 of {published.file} of {published.hub} is {found.sha256} at the hub, not {published.sha256}"
        )
    path = download(found.url, hub_folder(published.hub) / found.commit / published.file, found.sha256)
    remember_commit(published.hub, published.revision, found.commit)
    return path


def fetch_url(url: str) -> Path:
    """The file of a file://, https:// or http:// URL, which may end with #sha256= and the digest or its first digits.

    Downloads are cached by URL. Raises ZooError for other kinds of URL, for http:// without a digest, and as `fetch`.
    """
    parts = parse_url(url)
    kind, _, sha256 = parts.fragment.partition("=")
    if parts.fragment and (kind != "sha256" or not re.fullmatch(r"[0-9a-fA-F]{8,64}", sha256)):
        raise ZooError(f"{redacted(url)}: a fragment must be #sha256= and 8 to 64 hexadecimal digits")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise ZooError(f"{redacted(url)} is on another machine: a local file is file:///folder/name")
        if "%00" in parts.path:
            raise ZooError(f"{redacted(url)} has the character %00, which no file name has: give another name")
        return Path(url2pathname(parts.path))
    if parts.scheme == "http" and not sha256:
        raise ZooError(
            f"{redacted(url)} is not encrypted, so it could be changed: use https://, or add #sha256= and its digest"
        )
    address = parts._replace(fragment="").geturl()
    folder = (
        weights_folder() / "url" / hashlib.sha256(address.encode()).hexdigest()[:16] / (sha256.lower() or "unchecked")
    )
    return download(address, folder / _safe_name(parts.path), sha256)


def stated_digest(url: str) -> str:
    """What the SHA-256 of the file of a file:// URL begins with; "" for others, whose digest is that of the download.

    The file that is opened has to have it: another one may take its place after a check.
    """
    return parse_url(url).fragment.partition("=")[2] if url.lower().startswith("file://") else ""


def check_commit(revision: str) -> None:
    """Raises ZooError for a revision that is not a whole commit hash."""
    if not COMMIT.fullmatch(revision):
        raise ZooError(f"{revision!r} is no commit: give all of its 40 hexadecimal digits")


def _cached(published: PublishedWeights) -> Path | None:
    """Where the file is in the cache, if it is there; None for a branch that was never asked for."""
    if not published.hub:
        return _url_file(published)
    commit = commit_of(published)
    return hub_folder(published.hub) / commit / published.file if commit else None


def _url_file(published: PublishedWeights) -> Path:
    return weights_folder() / published.tag.split("/")[0] / published.file


def commit_of(published: PublishedWeights) -> str:
    """The commit of a revision at the hub, which may be a branch; empty where it is not known on this machine."""
    return known_commit(published.hub, published.revision) if published.hub else ""


def _packaged(published: PublishedWeights) -> Path | None:
    """The file in its package, which is not imported: none of its code runs."""
    found = importlib.util.find_spec(published.package.replace("-", "_"))
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / published.file).is_file():
            return path
    return None


def _safe_name(url_path: str) -> str:
    """The file name of a URL where it is a plain one, else "weights": no file is written outside the cache."""
    name = PurePosixPath(unquote(url_path)).name
    return name if re.fullmatch(r"\w[\w.+-]{0,200}", name) else "weights"
