"""Download files: resumed after an interruption, checked by SHA-256, and moved into place only when complete."""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.runtime.console import output_console
from zoo.runtime.system_errors import reason
from zoo.runtime.web.download_lock import lock_download, shared_part
from zoo.runtime.web.limits import LIMITS, Limits
from zoo.runtime.web.url import parse_url, redacted

if TYPE_CHECKING:
    from zoo.runtime.web.response import Response

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def download(
    url: str, path: Path, sha256: str = "", limits: Limits = LIMITS, headers: Mapping[str, str] = NO_HEADERS
) -> Path:
    """Download an http(s) `url` to `path` and return `path`; an existing file is returned without any request.

    `sha256` is the digest or its first digits. An Authorization of `headers` is for the host of `url` only. An
    interrupted download is kept as `path` with ".part" where the digest is known, and a later call resumes it. `path`
    appears only when it is complete and checked. After a wrong digest or on a full disk nothing is left. It ends in
    time, as `limits` say; another process that downloads the same file is waited for. Raises ZooError where the file
    cannot be downloaded or written, or has another digest.
    """
    if path.is_file():
        return path
    parse_url(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock_download(path, limits) as part:
            if not path.is_file():  # another process has downloaded it
                # Without a digest nothing would tell that what is appended later belongs to what is there.
                resumable = bool(sha256) and part == shared_part(path)
                with _removed_unless(resumable, part):
                    _complete(url, part, sha256, limits, resumable, headers)
                    part.replace(path)
    except OSError as error:
        raise ZooError(f"cannot write {path}: {reason(error)}; set ZOO_CACHE to another folder") from None
    return path


@contextmanager
def _removed_unless(resumable: bool, part: Path) -> Iterator[None]:
    """A context after which an incomplete file is removed, unless it is `resumable`, not empty and could be written."""
    try:
        yield
    except OSError:
        part.unlink(missing_ok=True)
        raise
    finally:
        with suppress(OSError):
            if not resumable or not part.stat().st_size:
                part.unlink()


def _complete(url: str, part: Path, sha256: str, limits: Limits, resumable: bool, headers: Mapping[str, str]) -> None:
    """Make `part` the whole file, with the right digest. Raises ZooError and OSError."""
    from zoo.runtime.web.body import RequestFailed

    try:
        received = part.stat().st_size if resumable and part.is_file() else 0
        if not received or not _request(url, part, sha256, received, limits, headers):
            _request(url, part, sha256, 0, limits, headers)
    except RequestFailed as failure:
        raise ZooError(_describe_failure(url, part, str(failure), resumable)) from None


def _request(url: str, part: Path, sha256: str, received: int, limits: Limits, headers: Mapping[str, str]) -> bool:
    """Receive the file from byte `received` on; False where the server cannot continue there.

    Raises RequestFailed, ZooError and OSError.
    """
    from zoo.runtime.web.response import open_response

    with open_response(url, {**headers, **({"Range": f"bytes={received}-"} if received else {})}, limits) as response:
        if received and (response.status == 416 or _is_other_range(response, received)):
            return False
        _check_status(url, response, received)
        received = received if response.status == 206 else 0
        _check_size(url, part, response, received, sha256, limits)
        try:
            found = _append(url, part, response, received)
            _check_content(url, part, found, sha256)
        except ZooError:
            part.unlink(missing_ok=True)
            raise
    return True


def _append(url: str, part: Path, response: "Response", received: int) -> str:
    """Write what arrives after the first `received` bytes of `part`, and return the digest of the whole file."""
    with part.open("ab") as file:
        file.truncate(received)
        with part.open("rb") as start:
            digest = hashlib.file_digest(start, "sha256")
        length = response.length
        with _progress(url, received, None if length is None else received + length) as advance:
            for piece in response.pieces:
                file.write(piece)
                digest.update(piece)
                advance(len(piece))
    return digest.hexdigest()


def _is_other_range(response: "Response", received: int) -> bool:
    """Whether a part of the file was sent, but not all that is missing."""
    if response.status != 206:
        return False
    ends = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", response.headers.get("Content-Range", ""))
    if not ends or int(ends[1]) != received or int(ends[2]) < received:
        return True
    first_missing = int(ends[2]) + 1
    return ends[3] not in ("*", str(first_missing)) or response.length not in (None, first_missing - received)


def _check_status(url: str, response: "Response", received: int) -> None:
    if response.status == 404:
        raise ZooError(f"there is no {redacted(url)} (404): check the URL")
    if response.status == 206 and not received:
        raise ZooError(f"{redacted(url)} responded with a part of the file (206), not the whole: use another source")
    if response.status not in (200, 206):
        # Not the server's own words, which may be anything.
        meaning = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else "no known status"
        advice = "put a name and a password into ~/.netrc" if response.status in (401, 403) else "try again later"
        host = parse_url(url).hostname
        raise ZooError(
            f"{host} responded with {response.status} {meaning} for {redacted(url)}: {advice}, or give a file on this "
            "machine"
        )


def _check_size(url: str, part: Path, response: "Response", received: int, sha256: str, limits: Limits) -> None:
    """Raises ZooError for a file that is too large, or of which nothing would tell that it is complete."""
    if not sha256 and not response.has_known_end:
        raise ZooError(
            f"{redacted(url)} does not state its length: add #sha256= and its digest, or give a file on this machine"
        )
    length, free = response.length or 0, shutil.disk_usage(part.parent).free
    if received + length > limits.max_bytes:
        raise ZooError(
            f"{redacted(url)} has {received + length:,} bytes, more than the limit of {limits.max_bytes:,}: "
            "download it otherwise, and give that file"
        )
    if length > free:
        raise ZooError(
            f"{redacted(url)} has {length / 2**20:.0f} MiB, and {part.parent} has room for {free / 2**20:.0f}: free "
            "some space, or set ZOO_CACHE to another folder"
        )


def _check_content(url: str, part: Path, found: str, sha256: str) -> None:
    if _is_web_page(part):
        raise ZooError(f"{redacted(url)} is a web page, such as a login, not a file: give the URL of the file itself")
    if not found.startswith(sha256.lower()):
        raise ZooError(f"{redacted(url)} has the SHA-256 {found}, not {sha256}: a changed or damaged file is not kept")


def _is_web_page(part: Path) -> bool:
    with part.open("rb") as file:
        return file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml"))


def _describe_failure(url: str, part: Path, reason: str, resumable: bool) -> str:
    size = part.stat().st_size / 2**20 if part.is_file() else 0
    if not size:
        host = parse_url(url).hostname
        return f"cannot reach {host} ({reason}): without a network, copy {redacted(url)} here and give that file"
    stopped = f"the download of {redacted(url)} stopped after {size:.1f} MiB ({reason}): run the same command again"
    return f"{stopped} to resume it" if resumable else stopped


@contextmanager
def _progress(url: str, received: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr where that is a terminal; yields a function that takes the bytes of each piece."""
    console = output_console(stderr=True)
    if not console.is_terminal:
        yield lambda size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        name = redacted(parse_url(url).path.rpartition("/")[2])
        task = progress.add_task(name, completed=received, total=total)
        yield lambda size: progress.advance(task, size)
