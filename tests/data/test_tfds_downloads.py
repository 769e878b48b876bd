"""TFDS's downloads end, whatever the server does."""

import time

import pytest
import requests
import tensorflow_datasets as tfds
from weights.raw_server import raw_server, repeating, says, silent_after

from zoo.data import DataError, open_dataset
from zoo.data.sources import tfds_preparation
from zoo.data.sources.tfds_downloads import limited_downloads
from zoo.runtime.web.limits import Limits

OK = b"HTTP/1.1 200 OK\r\n"
LIMITS = Limits(header_seconds=0.5, slow_seconds=0.3, slow_bytes=1000, max_unstated_bytes=10_000)
RESPONSES = {
    "nothing": (silent_after(b""), "no response in 0.5 s"),
    "a header line by line": (repeating(OK, b"A: b\r\n", 0.05), "no response in 0.5 s"),
    "a body byte by byte": (repeating(OK + b"Content-Length: 9999\r\n\r\n", b"b", 0.02), "less than 1 kB in 0.3 s"),
    "too short": (says(OK + b"Content-Length: 9999\r\n\r\nb"), "the connection was closed"),
    "without an end": (repeating(OK + b"\r\n", b"b" * 9999), "more than the 10,000 bytes"),
    "encoded": (says(OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"), "gzip"),
    "a redirect to a file": (says(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"), "file:///etc/passwd"),
    "a redirect with an endless body": (
        repeating(b"HTTP/1.1 302 Found\r\nLocation: ftp://host\r\n\r\n", b"b" * 9999),
        "ftp://host",
    ),
    "an error": (says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "404"),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("name", RESPONSES)
def test_a_download_of_tfds_ends(name, tmp_path):
    behaviour, message = RESPONSES[name]
    start = time.monotonic()
    with raw_server(behaviour) as address, limited_downloads(LIMITS), pytest.raises(Exception, match=message):
        tfds.download.DownloadManager(download_dir=tmp_path).download(f"{address}/w.zip")
    assert time.monotonic() - start < 10


def test_a_file_is_downloaded(tmp_path):
    before = requests.adapters.HTTPAdapter
    with raw_server(says(OK + b"Content-Length: 5\r\n\r\nhello")) as address, limited_downloads(Limits()):
        assert tfds.download.DownloadManager(download_dir=tmp_path).download(f"{address}/w.zip").read_text() == "hello"
    assert requests.adapters.HTTPAdapter is before


def test_a_host_that_answers_byte_by_byte_is_unreachable(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_preparation, "_RESPONSE_SECONDS", 0.3)
    with raw_server(repeating(OK, b"A: b\r\n", 0.05)) as address:
        info = tfds.download.checksums.UrlInfo(size=1, checksum="0", filename="w.zip")
        monkeypatch.setattr(tfds.core.DatasetBuilder, "url_infos", {f"{address}/w.zip": info})
        with pytest.raises(DataError, match=r"no network to 127\.0\.0\.1"):
            open_dataset("cifar10", tmp_path)
