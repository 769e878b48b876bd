"""URLs that people give, or that a server redirects to: checked before anything is asked."""

from urllib.parse import SplitResult, urljoin, urlsplit

from zoo.errors import ZooError
from zoo.printable import printable, shortened

# Servers take 8,000 characters; signed URLs have 2,000.
MAX_LENGTH = 8_000
MAX_SHOWN = 200


def parse_url(url: str) -> SplitResult:
    """The parts of an http:// or https:// URL that can be asked for, or of a file:// URL. Raises ZooError for others.

    A URL with a user's name or password is refused: it would be in messages and in the list of processes.
    """
    if len(url) > MAX_LENGTH:
        raise ZooError(f"{redacted(url)} has {len(url):,} characters: a URL has at most {MAX_LENGTH:,}")
    # `urlsplit` would leave out line breaks, and programs disagree on what a backslash is.
    if unusable := next((character for character in url if _is_unusable(character)), ""):
        raise ZooError(
            f"{redacted(url)} has the character {unusable!a}, which a URL cannot have: write it percent-encoded"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ZooError(
            f"{redacted(url)} is no URL ({redacted(str(error))}): give one as https://host/folder/file"
        ) from None
    if parts.scheme not in ("https", "http", "file"):
        raise ZooError(f"{redacted(url)}: use an https:// or file:// URL")
    if parts.scheme != "file":
        _check_host(url, parts, port)
    return parts


def redirect_target(url: str, target: str) -> str:
    """The URL that a server redirects to. Raises ZooError where it is not valid, or less safe than the one before."""
    try:
        new = urljoin(url, target)
    except ValueError:
        new = target
    refused = f"{redacted(url)} redirects to {redacted(new)}, which is not followed"
    try:
        parts = parse_url(new)
    except ZooError as error:
        raise ZooError(f"{refused}: {error}") from None
    if parts.scheme == "file" or (parts.scheme == "http" and url.startswith("https:")):
        raise ZooError(f"{refused}: only https:// is; give the URL of the file itself")
    return new


def redacted(text: str) -> str:
    """A URL, or text of a server, for a message: on one line, not too long, and without a user's name and password."""
    if "@" in (authority := text.partition("://")[2].partition("/")[0]):
        text = text.replace(authority, authority.rpartition("@")[2], 1)
    return shortened(printable(text), MAX_SHOWN)


def _is_unusable(character: str) -> bool:
    return character == "\\" or not character.isprintable()


def _check_host(url: str, parts: SplitResult, port: int | None) -> None:
    host = parts.hostname or ""
    if "@" in parts.netloc:
        raise ZooError(f"the URL of {host or 'no host'} has a user's name: leave it out, and put it into ~/.netrc")
    # An address of IPv6 has colons instead of names between dots.
    names = host.removesuffix(".").split(".")
    if ":" not in host and (len(host) > 253 or " " in host or not all(0 < len(name) <= 63 for name in names)):
        raise ZooError(f"{redacted(url)} has no valid host: give a URL as https://host/folder/file")
    if port == 0:
        raise ZooError(f"{redacted(url)} has the port 0: a port is 1 to 65535")
