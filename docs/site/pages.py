"""The pages of the site, and links between them: a page in the repository keeps its links, which work there too."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURES = (".jpg", ".png", ".svg", ".webp")
FENCE = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)
MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
HTML_LINK = re.compile(r'(?P<name>href|src)="(?P<target>[^"#]+)(?P<anchor>#[^"]*)?"')


class BrokenLink(Exception):
    """A link to a file that the repository does not have."""


def site_pages() -> dict[Path, Path]:
    """{page in the repository: page of the site}, both relative."""
    docs = Path("docs")
    found = {path.relative_to(ROOT): path.relative_to(ROOT / docs) for path in sorted((ROOT / docs).rglob("*.md"))}
    found[docs / "README.md"] = Path("index.md")
    found[Path("README.md")] = Path("overview.md")
    for name in ("CHANGELOG", "CONTRIBUTING"):
        found[Path(f"{name}.md")] = Path(f"{name.lower()}.md")
    return found


def page_text(page: Path) -> str:
    """The text of a page of the repository; of the README without what follows the guide, the layout and the tables."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.split("## Layout\n")[0].replace("# zoo\n", "# Overview\n", 1) if page == Path("README.md") else text


def with_site_links(text: str, page: Path, pictures: set[Path]) -> str:
    """The text of a page of the repository with the links of the site; `pictures` gets those that it shows.

    A link to a page or a picture is one to its place in the site. One to other files, such as a folder of the sources,
    is its text alone. Raises BrokenLink.
    """
    pages, here = site_pages(), site_pages()[page].parent

    def place(target: str, suffix: str) -> str | None:
        """Where a target is in the site; None if it is no part of that. Pages end with `suffix`."""
        path = Path(os.path.normpath(page.parent / target))
        if not (ROOT / path).exists():
            raise BrokenLink(f"{page} has a link to {target}, which is not there")
        if path in pages:
            return os.path.relpath(pages[path].with_suffix(suffix), here)
        if path.suffix in PICTURES:
            pictures.add(path)
            return os.path.relpath(Path("pictures") / path, here)
        return None

    def markdown(match: re.Match[str]) -> str:
        if ":" in match["target"]:
            return match[0]
        found = place(match["target"], ".md")
        return f"[{match['text']}]({found}{match['anchor'] or ''})" if found else match["text"]

    def html(match: re.Match[str]) -> str:
        if ":" in match["target"]:
            return match[0]
        return f'{match["name"]}="{place(match["target"], ".html")}{match["anchor"] or ""}"'

    return "".join(
        part if is_code else HTML_LINK.sub(html, MARKDOWN_LINK.sub(markdown, part)) for part, is_code in _parts(text)
    )


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts, each with whether it is a block of code."""
    end = 0
    for fence in FENCE.finditer(text):
        yield text[end : fence.start()], False
        yield fence[0], True
        end = fence.end()
    yield text[end:], False
