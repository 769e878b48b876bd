"""Preparing a TFDS data set: completely or not at all, safe with other processes, with a quick error offline."""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests
import tensorflow_datasets as tfds

from zoo.data.errors import DataError
from zoo.data.sources.tfds_downloads import limited_downloads
from zoo.data.sources.tfds_files import PREPARED, UNFINISHED
from zoo.printable import one_line
from zoo.runtime.bounded_calls import CallTimeout, call_within
from zoo.runtime.cache_entries import in_use
from zoo.runtime.system_errors import reason
from zoo.runtime.web.limits import LIMITS

_CONNECT_SECONDS = 5
_RESPONSE_SECONDS = 15
_HOSTS_TRIED = 3


def is_prepared(builder: tfds.core.DatasetBuilder) -> bool:
    """Whether the builder's data are on disk; TFDS's own check logs a warning when they are not."""
    return Path(builder.data_path, PREPARED).is_file()


def prepare(make: Callable[[Path], tfds.core.DatasetBuilder], data_dir: Path, *, quiet: bool) -> None:
    """Prepare make(folder)'s data set as array_record under `data_dir`; DataError when that cannot be done.

    The work is done in a temporary folder and moved in one step, so that neither an interruption nor another process
    leaves an incomplete data set. `quiet` is for data that are prepared in a moment: no bars, no messages and no
    folder of downloads.
    """
    builder = make(data_dir)
    name = builder.info.full_name
    downloads = data_dir / "downloads"
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        if not any((downloads / "manual").glob("*")):
            raise _cannot(name, data_dir, f"its files must be downloaded by hand into {downloads / 'manual'}")
    elif unreachable := _unreachable(builder.url_infos or {}):
        raise _cannot(name, data_dir, f"no network to {unreachable}")
    _check_writable(data_dir)
    target = Path(builder.data_path)
    if any(target.glob("*")) and not is_prepared(builder):
        raise DataError(f"{target} is not a complete data set: remove it to have it prepared again")
    try:
        with in_use(data_dir), tempfile.TemporaryDirectory(dir=data_dir, prefix=UNFINISHED) as folder:
            inside = make(Path(folder))
            largest = max([info.size for info in (builder.url_infos or {}).values()], default=LIMITS.max_bytes)
            limits = replace(LIMITS, max_bytes=largest, max_unstated_bytes=largest)
            with suppress_output() if quiet else contextlib.nullcontext(), limited_downloads(limits):
                inside.download_and_prepare(
                    file_format="array_record",
                    download_dir=Path(folder) / "downloads" if quiet else downloads,
                    download_config=tfds.download.DownloadConfig(try_download_gcs=False),
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(inside.data_path).rename(target)
    # A builder is third-party code: it may raise anything.
    except Exception as error:
        if not is_prepared(builder):
            raise _cannot(name, data_dir, one_line(error)) from error


def _cannot(name: str, data_dir: Path, reason: str) -> DataError:
    dataset = name.rsplit("/", 1)[0]
    return DataError(
        f"{dataset} is not prepared in {data_dir} and could not be downloaded or prepared ({reason}): prepare it"
        f" where there are a network and TensorFlow with 'tfds build {dataset} --file_format=array_record' and copy"
        f" it into {data_dir}, or pass a folder of images"
    )


def _unreachable(urls: Iterable[str]) -> str:
    """The hosts to download from when none answers, else ""; TFDS itself would retry for minutes."""
    hosts = {urlsplit(url).netloc: url for url in urls if url.startswith("http")}
    tried = list(hosts.items())[:_HOSTS_TRIED]
    for _, url in tried:
        try:
            call_within(_RESPONSE_SECONDS, partial(requests.head, url, timeout=_CONNECT_SECONDS))
            return ""
        except (requests.RequestException, CallTimeout):
            continue
    return ", ".join(host for host, _ in tried)


def _check_writable(data_dir: Path) -> None:
    advice = "pass another data_dir or set TFDS_DATA_DIR"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the data folder {data_dir} ({reason(error)}): {advice}") from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise DataError(f"cannot write into the data folder {data_dir}: {advice}")


@contextlib.contextmanager
def suppress_output() -> Iterator[None]:
    """Within this context what is printed is discarded; exceptions are raised."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
