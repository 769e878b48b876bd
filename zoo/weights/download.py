"""Download files: resumed after an interruption, checked by SHA-256, and moved into place only when complete."""

import fcntl
import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from zoo.errors import ZooError

# Bytes; at most so much is lost when a connection breaks.
CHUNK_SIZE = 1 << 16
# Seconds to connect, and to wait for the next byte.
TIMEOUT = (10, 60)


def download(url: str, path: Path, sha256: str = "") -> Path:
    """Download an http(s) `url` to `path` and return `path`; an existing file is returned without any request.

    `sha256` is the digest or its first digits. An interrupted download is kept as `path` with ".part"; a later call
    resumes it where the digest is known, else it starts again. `path` appears only when it is complete and checked.
    After a wrong digest or on a full disk nothing is left. Raises ZooError where the file cannot be downloaded or
    written, or has another digest.
    """
    import requests

    if path.is_file():
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            with suppress(OSError):  # some file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if path.is_file():  # another process has downloaded it
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
        raise ZooError(f"cannot write {path}: {error.strerror or error}; set ZOO_CACHE to another folder") from None
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
    """Append the missing part of the file, and return the digest of the whole file."""
    import requests

    received = part.stat().st_size
    # Without compression, which would change the meaning of offsets.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={received}-"} if received else {})}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if (received and response.status_code in (200, 416)) or _is_other_range(response, received):
            file.truncate(0)
            received = 0
            if response.status_code != 200:
                return _receive(url, file, part)
        if response.status_code == 404:
            raise ZooError(f"there is no {url} (404)")
        if response.status_code not in (200, 206):
            raise ZooError(f"{urlsplit(url).hostname} answered {response.status_code} {response.reason} for {url}")
        digest = _digest_so_far(part)
        length = response.headers.get("Content-Length", "")
        total = received + int(length) if length.isdecimal() else None
        with _progress(url, received, total) as advance:
            for chunk in response.iter_content(CHUNK_SIZE):
                file.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
        file.flush()
        if total is not None and part.stat().st_size < total:
            raise requests.ConnectionError("the connection was closed")
        return digest.hexdigest()


def _is_other_range(response, received: int) -> bool:
    return response.status_code == 206 and not response.headers.get("Content-Range", "").startswith(
        f"bytes {received}-"
    )


def _digest_so_far(part: Path):
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _check(url: str, part: Path, found: str, sha256: str) -> None:
    if not found.startswith(sha256.lower()):
        part.unlink()
        raise ZooError(f"{url} has the SHA-256 {found}, not {sha256}: a changed or damaged file is not kept")


def _no_connection(url: str, part: Path, error: Exception) -> str:
    if mebibytes := part.stat().st_size / 2**20:
        return f"the download of {url} stopped after {mebibytes:.1f} MiB: run the same command again to resume it"
    kind = "no answer in time" if "Timeout" in type(error).__name__ else "no connection"
    return f"cannot reach {urlsplit(url).hostname} ({kind}): without a network, copy {url} here and give that file"


def _remove_if_empty(part: Path) -> None:
    with suppress(OSError):
        if not part.stat().st_size:
            part.unlink()


@contextmanager
def _progress(url: str, received: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr where that is a terminal; yields a function that takes the bytes of each chunk."""
    if not sys.stderr.isatty():
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(urlsplit(url).path.rpartition("/")[2], completed=received, total=total)
        yield lambda size: progress.advance(task, size)
