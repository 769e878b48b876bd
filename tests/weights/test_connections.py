"""Connections that do not come about: certificates, proxies, hosts; each is one line that says why."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from weights.raw_server import raw_server, says

import zoo
from zoo.runtime.web.download import download

# Made for these tests by openssl with a clock of 2020: for 127.0.0.1, by itself, for two days.
EXPIRED = Path(__file__).with_name("expired_certificate.pem")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def tls_address():
    """The address of a server with the expired certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(EXPIRED)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True):
            pass

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


def refused(url, target):
    with pytest.raises(zoo.ZooError) as error:
        download(url, target / "w.bin", "00000000")
    assert str(error.value).isprintable() and not list(target.iterdir())
    return str(error.value)


def test_a_certificate_of_nobody(tls_address, tmp_path):
    assert "(its certificate is refused: self-signed certificate;" in refused(f"{tls_address}/w", tmp_path)


def test_a_certificate_of_another_time(tls_address, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(EXPIRED))
    assert "certificate has expired; check this computer's clock" in refused(f"{tls_address}/w", tmp_path)


def test_a_server_without_encryption(tmp_path):
    with raw_server(says(b"HTTP/1.1 400 Bad\r\n\r\n")) as address:
        assert "(no encrypted connection)" in refused(f"{address.replace('http:', 'https:')}/w", tmp_path)


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("http://[::1", "the proxy in the environment"),
        ("http://127.0.0.1:99999", "the proxy in the environment"),
        ("http://", "the proxy in the environment"),
        ("ftp://proxy", "the proxy in the environment"),
        ("http://127.0.0.1:9", "the proxy does not connect"),
        ("http://me:secret@127.0.0.1:9", "the proxy does not connect"),
        ("socks5://127.0.0.1:9", "SOCKS|no connection"),
    ],
)
def test_a_proxy_that_cannot_be_used(proxy, message, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    said = refused("https://127.0.0.1:9/w", tmp_path)
    assert any(part in said for part in message.split("|")) and "secret" not in said
