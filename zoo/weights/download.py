"""Download files: resumed after an interruption, checked by SHA-256, and moved into place only when complete."""

import hashlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.runtime.regular_file import open_regular
from zoo.runtime.system_errors import reason
from zoo.runtime.web.address import parse_url, shown
from zoo.runtime.web.limits import LIMITS, Limits
from zoo.weights.download_lock import lock_download, shared_part

if TYPE_CHECKING:
    from zoo.runtime.web.answer import Answer


def download(url: str, path: Path, sha256: str = "", limits: Limits = LIMITS) -> Path:
    """Download an http(s) `url` to `path` and return `path`; an existing file is returned without any request.

    `sha256` is the digest or its first digits. An interrupted download is kept as `path` with ".part" where the digest
    is known, and a later call resumes it. `path` appears only when it is complete and checked. After a wrong digest or
    on a full disk nothing is left. It ends in time, as `limits` say; another process that downloads the same file is
    waited for. Raises ZooError where the file cannot be downloaded or written, or has another digest.
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
                    _complete(url, part, sha256, limits, resumable)
                    part.replace(path)
    except OSError as error:
        raise ZooError(f"cannot write {path}: {reason(error)}; set ZOO_CACHE to another folder") from None
    return path


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises ZooError where it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise ZooError(f"cannot read {path}: {reason(error)}") from None


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


def _complete(url: str, part: Path, sha256: str, limits: Limits, resumable: bool) -> None:
    """Make `part` the whole file, with the right digest. Raises ZooError and OSError."""
    from zoo.runtime.web.body import Broken

    try:
        received = part.stat().st_size if resumable and part.is_file() else 0
        complete = received and _request(url, part, sha256, received, limits)
        # Without what is there, where the server cannot continue it.
        complete or _request(url, part, sha256, 0, limits)
    except Broken as broken:
        raise ZooError(_stopped(url, part, str(broken), resumable)) from None


def _request(url: str, part: Path, sha256: str, received: int, limits: Limits) -> bool:
    """Receive the file from byte `received` on; False where the server cannot continue there. Raises also Broken."""
    from zoo.runtime.web.answer import open_answer

    with open_answer(url, {"Range": f"bytes={received}-"} if received else {}, limits) as answer:
        if received and (answer.status == 416 or _is_other_range(answer, received)):
            return False
        _check_status(url, answer, received)
        received = received if answer.status == 206 else 0
        _check_size(url, part, answer, received, sha256, limits)
        try:
            found = _append(url, part, answer, received)
            _check(url, part, found, sha256)
        except ZooError:
            part.unlink(missing_ok=True)
            raise
    return True


def _append(url: str, part: Path, answer: "Answer", received: int) -> str:
    """Write what arrives after the first `received` bytes of `part`, and return the digest of the whole file."""
    with part.open("ab") as file:
        file.truncate(received)
        with part.open("rb") as start:
            digest = hashlib.file_digest(start, "sha256")
        length = answer.length
        with _progress(url, received, None if length is None else received + length) as advance:
            for piece in answer.pieces:
                file.write(piece)
                digest.update(piece)
                advance(len(piece))
    return digest.hexdigest()


def _is_other_range(answer: "Answer", received: int) -> bool:
    """Whether a part of the file was sent, but not all that is missing."""
    if answer.status != 206:
        return False
    ends = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", answer.headers.get("Content-Range", ""))
    if not ends or int(ends[1]) != received or int(ends[2]) < received:
        return True
    first_missing = int(ends[2]) + 1
    return ends[3] not in ("*", str(first_missing)) or answer.length not in (None, first_missing - received)


def _check_status(url: str, answer: "Answer", received: int) -> None:
    if answer.status == 404:
        raise ZooError(f"there is no {shown(url)} (404): check the URL")
    if answer.status == 206 and not received:
        raise ZooError(f"{shown(url)} answered with a part of the file (206), not the whole: get it from elsewhere")
    if answer.status not in (200, 206):
        # Not the server's own words, which may be anything.
        meaning = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "no known status"
        advice = "put a name and a password into ~/.netrc" if answer.status in (401, 403) else "try again later"
        host = parse_url(url).hostname
        raise ZooError(f"{host} answered {answer.status} {meaning} for {shown(url)}: {advice}, or give a file")


def _check_size(url: str, part: Path, answer: "Answer", received: int, sha256: str, limits: Limits) -> None:
    """Raises ZooError for a file that is too large, or of which nothing would tell that it is complete."""
    if not sha256 and not answer.has_known_end:
        raise ZooError(f"{shown(url)} does not state its length: add #sha256= and its digest, or give a file")
    length, free = answer.length or 0, shutil.disk_usage(part.parent).free
    if received + length > limits.largest_bytes:
        raise ZooError(
            f"{shown(url)} has {received + length:,} bytes, and may have {limits.largest_bytes:,}: give a file"
        )
    if length > free:
        raise ZooError(
            f"{shown(url)} has {length / 2**20:.0f} MiB, and {part.parent} has room for {free / 2**20:.0f}: free some "
            "space, or set ZOO_CACHE to another folder"
        )


def _check(url: str, part: Path, found: str, sha256: str) -> None:
    if _is_web_page(part):
        raise ZooError(f"{shown(url)} is a web page, such as a login, not a file of weights: give the file's own URL")
    if not found.startswith(sha256.lower()):
        raise ZooError(f"{shown(url)} has the SHA-256 {found}, not {sha256}: a changed or damaged file is not kept")


def _is_web_page(part: Path) -> bool:
    with part.open("rb") as file:
        return file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml"))


def _stopped(url: str, part: Path, reason: str, resumable: bool) -> str:
    size = part.stat().st_size / 2**20 if part.is_file() else 0
    if not size:
        host = parse_url(url).hostname
        return f"cannot reach {host} ({reason}): without a network, copy {shown(url)} here and give that file"
    stopped = f"the download of {shown(url)} stopped after {size:.1f} MiB ({reason}): run the same command again"
    return f"{stopped} to resume it" if resumable else stopped


@contextmanager
def _progress(url: str, received: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr where that is a terminal; yields a function that takes the bytes of each piece."""
    if not sys.stderr.isatty():
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        name = shown(parse_url(url).path.rpartition("/")[2])
        task = progress.add_task(name, completed=received, total=total)
        yield lambda size: progress.advance(task, size)
