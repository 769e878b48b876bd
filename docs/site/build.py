"""Build the documentation site in build/site/html: python docs/site/build.py

It needs the `docs` extra. Warnings are errors: a link that leads nowhere, a name of the API that is not there.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from check_html import problems
from networks_page import networks_page
from notebook_pages import notebook_page
from pages import ROOT, PageLinks, notebooks, page_text, site_pages

SOURCES = Path(__file__).parent
WORK = ROOT / "build" / "site"


def write_pages(folder: Path) -> None:
    """The pages of the site, their pictures and the files of this folder that pages load."""
    pictures: set[Path] = set()
    for page, place in site_pages().items():
        text = notebook_page(page) if page in notebooks() else page_text(page)
        _write(folder / place, PageLinks(page, pictures).replaced(text))
    _write(folder / "networks.md", networks_page())
    for picture in pictures:
        _copy(ROOT / picture, folder / "pictures" / picture)
    for name in ("networks.js", "site.css"):
        _copy(SOURCES / name, folder / "site" / name)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def main() -> None:
    """Write the pages, make HTML of them, and check that."""
    shutil.rmtree(WORK, ignore_errors=True)
    write_pages(WORK / "pages")
    _copy(SOURCES / "zensical.toml", WORK / "zensical.toml")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", WORK / "zensical.toml"]
    if subprocess.run(command).returncode:
        sys.exit("the site has faults: see above")
    if found := list(problems(WORK / "html")):
        sys.exit("\n".join(found))
    print(WORK / "html" / "index.html")


if __name__ == "__main__":
    main()
