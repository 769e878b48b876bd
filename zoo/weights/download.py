"""Files from the network: whole, checked and resumed, or not at all."""

import fcntl
import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from zoo.errors import ZooError

# Bytes; a connection that breaks costs one such piece at most.
CHUNK = 1 << 16
# Seconds to connect, and without a byte.
TIMEOUT = (10, 60)


def download(url: str, path: Path, sha256: str = "") -> Path:
    """`path`, fetched from an http(s) `url` where it is not there already: then nothing is asked of the network.

    `sha256` is the digest or its first digits. What was received is kept as `path` with ".part", and a later call goes
    on from there where the digest is known, else from the start; `path` itself appears whole and checked. After a wrong
    digest or on a full disk nothing is left. Raises ZooError, which says what to do.
    """
    import requests

    if path.is_file():
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            with suppress(OSError):  # not every file system can lock
                fcntl.flock(file, fcntl.LOCK_EX)
            if path.is_file():  # another process was first
                return path
            if not sha256:
                file.truncate(0)
            _check(url, part, _receive(url, file, part), sha256)
            part.replace(path)
    except requests.RequestException as error:
        raise ZooError(_no_connection(url, part, error)) from None
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise ZooError(f"cannot write {path}: {error.strerror or error}; ZOO_CACHE names another folder") from None
    finally:
        _remove_if_empty(part)
    return path


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises ZooError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ZooError(f"cannot read {path}: {error.strerror or error}") from None


def _receive(url: str, file: BinaryIO, part: Path) -> str:
    """Append what is missing of the file, and return the digest of all of it."""
    import requests

    begun = part.stat().st_size
    # Without compression, in which offsets would have another meaning.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={begun}-"} if begun else {})}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if (begun and response.status_code in (200, 416)) or _other_range(response, begun):
            file.truncate(0)
            begun = 0
            if response.status_code != 200:
                return _receive(url, file, part)
        if response.status_code == 404:
            raise ZooError(f"there is no {url} (404)")
        if response.status_code not in (200, 206):
            raise ZooError(f"{urlsplit(url).hostname} answered {response.status_code} {response.reason} for {url}")
        digest = _digest_so_far(part)
        length = response.headers.get("Content-Length", "")
        total = begun + int(length) if length.isdigit() else None
        with _progress(url, begun, total) as advance:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
        file.flush()
        if total is not None and part.stat().st_size < total:
            raise requests.ConnectionError("the connection was closed")
        return digest.hexdigest()


def _other_range(response, begun: int) -> bool:
    return response.status_code == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {begun}-")


def _digest_so_far(part: Path):
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _check(url: str, part: Path, found: str, sha256: str) -> None:
    if not found.startswith(sha256.lower()):
        part.unlink()
        raise ZooError(f"{url} has the SHA-256 {found}, not {sha256}: it was changed or damaged, and is not kept")


def _no_connection(url: str, part: Path, error: Exception) -> str:
    if received := part.stat().st_size / 2**20:
        return f"the download of {url} broke off after {received:.1f} MiB: run the same again to go on"
    kind = "no answer in time" if "Timeout" in type(error).__name__ else "no connection"
    return f"cannot reach {urlsplit(url).hostname} ({kind}): without a network, bring {url} here and name that file"


def _remove_if_empty(part: Path) -> None:
    with suppress(OSError):
        if not part.stat().st_size:
            part.unlink()


@contextmanager
def _progress(url: str, begun: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A line that grows on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda received: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(urlsplit(url).path.rpartition("/")[2], completed=begun, total=total)
        yield lambda received: progress.advance(task, received)
