"""Checks of the built site: every link leads to a file and a place in it, and nothing is loaded from another host.

Links to other hosts are not followed: they must be addresses of a host by http or https.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads by itself, and the attribute that says from where. Of a `link` that depends on what it is.
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
LOADED_LINKS = ("icon", "stylesheet", "preload", "preconnect", "dns-prefetch", "modulepreload")


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes of a tag."""
        attributes = {name: value or "" for name, value in attrs}
        self.places.update(attributes[name] for name in ("id", "name") if name in attributes)
        if tag in LOADED and LOADED[tag] in attributes:
            self.loaded.append(attributes[LOADED[tag]])
        elif tag == "link" and set(attributes.get("rel", "").split()) & set(LOADED_LINKS):
            self.loaded.append(attributes["href"])
        elif tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])


def problems(site: Path) -> Iterator[str]:
    """One line per link that leads nowhere, and per address of another host that a page would load."""
    pages = {path: _parsed(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for address in page.loaded:
            if _is_remote(address):
                yield f"{path.relative_to(site)} loads {address}"
        for address in set(page.links):
            if _is_remote(address) and not _is_well_formed(address):
                yield f"{path.relative_to(site)} has a link to {address}, which is no address"
        for address in {*page.links, *page.loaded}:
            if not _is_remote(address) and not _leads(path, address, site, pages):
                yield f"{path.relative_to(site)} has a link to {address}, which is not there"


def _parsed(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _is_remote(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def _is_well_formed(address: str) -> bool:
    parts = urlsplit(address)
    of_host = parts.scheme in ("http", "https") and "." in (parts.hostname or "")
    return of_host and not any(sign.isspace() or sign in '<>"`{}' for sign in address)


def _leads(path: Path, address: str, site: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "data":
        return True
    start = site if parts.path.startswith("/") else path.parent
    target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return False
    place = unquote(parts.fragment)
    # Of text such as "#:~:text=" and of the top of a page nothing has to be there.
    return target not in pages or not place or place.startswith((":", "__")) or place in pages[target].places
