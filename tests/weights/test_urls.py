"""URLs that cannot be asked for are refused in one line, before anything is asked."""

import socket

import pytest

import zoo
from zoo.runtime.web.url import MAX_LENGTH, parse_url, redacted, redirect_target
from zoo.weights.fetch import fetch_url

HASH = "#sha256=00000000"
REFUSED = {
    "http://[::1/w.pth": "no URL",
    "https://[zz]/w.pth": "no URL",
    "https://host:99999/w.pth": "no URL",
    "https://host:65536/w.pth": "no URL",
    "https://host:-1/w.pth": "no URL",
    "https://host:port/w.pth": "no URL",
    "https://host:²/w.pth": "no URL",
    "https://host:0/w.pth": "port 0",
    "https:///w.pth": "no valid host",
    "https://": "no valid host",
    "https://:80/w.pth": "no valid host",
    "https:w.pth": "no valid host",
    "https://a..b/w.pth": "no valid host",
    "https://.b/w.pth": "no valid host",
    "https://a b/w.pth": "no valid host",
    f"https://{'a' * 64}.com/w.pth": "no valid host",
    f"https://{'a.' * 200}com/w.pth": "no valid host",
    "https://℀/w.pth": "no URL",
    "https://me:secret@host/w.pth": r"host has a user's name: .*netrc",
    "https://secret@host/w.pth": r"host has a user's name",
    "https://:secret@/w.pth": r"no host has a user's name",
    "https://host/w\0.pth": r"'\\x00'",
    "https://host/w\n.pth": r"'\\n'",
    "https://ho\tst/w.pth": r"'\\t'",
    "https://host/\x1b[31m.pth": r"'\\x1b'",
    "https://host/\u202egpj.pth": r"'\\u202e'",
    "https://host/\udc80.pth": r"'\\udc80'",
    "https://host\\@other/w.pth": r"percent-encode",
    f"https://host/{'a' * MAX_LENGTH}": "8,013 characters",
    "ftp://host/w.pth": "use an https:// or file://",
    "data://text,w": "use an https:// or file://",
    "javascript://x": "use an https:// or file://",
    "://": "use an https:// or file://",
    "http://host/w.pth": "not encrypted",
    "file://host/w.pth": "another machine",
    "file:///w%00.pth": "%00",
    "https://host/w.pth#sha256=00": "8 to 64",
    f"https://host/w.pth#sha256={'0' * 65}": "8 to 64",
    f"https://host/w.pth#sha256={chr(0x660) * 8}": "8 to 64",
}


def unknown_host(*arguments, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("url", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_asked_for_is_one_line(url, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.getaddrinfo", unknown_host)
    with pytest.raises(zoo.ZooError, match=REFUSED[url]) as error:
        fetch_url(url)
    assert str(error.value).isprintable() and "secret" not in str(error.value) and len(str(error.value)) < 400
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["[::1]x", "*", "xn--\u0301", "ab\u0301-\u200bc", "[fe80::1%", "a%00b", "<b>", '"'])
def test_a_host_that_only_a_library_refuses_is_one_line(host, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("socket.getaddrinfo", unknown_host)
    with pytest.raises(zoo.ZooError) as error:
        fetch_url(f"https://{host}/w.pth{HASH}")
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "https://host/w.pth",
        "http://127.0.0.1:8080/w.pth?a=b@c",
        "https://[::1]:8080/w",
        "https://bücher.example/w",
        "https://host./w",
        "HTTPS://HOST/ä ö.pth",
        "file:///folder/a b.pth",
    ],
)
def test_what_can_be_asked_for(url):
    assert parse_url(url)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/b", "https://host/b"),
        ("//cdn/b", "https://cdn/b"),
        ("b?c", "https://host/folder/b?c"),
        ("https://cdn:444/b", "https://cdn:444/b"),
        ("", "https://host/folder/a"),
    ],
)
def test_redirects(target, found):
    assert redirect_target("https://host/folder/a", target) == found


@pytest.mark.parametrize(
    "target",
    ["http://host/b", "file:///etc/passwd", "ftp://host/b", "HTTP://host", "data:,b", "https://["],
)
def test_redirects_that_are_less_safe_are_not_followed(target):
    with pytest.raises(zoo.ZooError, match=r"https://host/a redirects to .*not followed") as error:
        redirect_target("https://host/a", target)
    assert str(error.value).isprintable()


def test_a_redirect_from_http_may_stay_there():
    """The digest, without which http:// is refused, tells whether the file is the right one."""
    assert redirect_target("http://host/a", "http://cdn/b") == "http://cdn/b"
    assert redirect_target("http://host/a", "https://cdn/b") == "https://cdn/b"


def test_what_is_shown():
    assert redacted("https://me:secret@host/a\x1b\n") == "https://host/a\\x1b\\n"
    assert redacted("a" * 999) == f"{'a' * 197}..."
