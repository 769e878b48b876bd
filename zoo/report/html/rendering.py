"""Jinja templates to HTML: all values are escaped; styles and scripts are written into the page."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.report import number_formats
from zoo.report.html import layer_names

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
STYLES = (
    "page/style.css",
    "architecture/diagram.css",
    "layers/table.css",
    "layers/figures.css",
    "learned/learned.css",
    "run/run.css",
)
# In this order: later scripts use the functions of earlier ones.
SCRIPTS = (
    "layers/arithmetic.js",
    "layers/picker.js",
    "layers/table.js",
    "layers/panel.js",
    "layers/convolution.js",
    "layers/pooling.js",
    "page/folds.js",
    "page/start.js",
)


@dataclass(frozen=True)
class PageFiles:
    """The files of a kind of page: folders of templates, and in order the styles and scripts that it has."""

    folders: tuple[Path, ...]
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


REPORT = PageFiles((TEMPLATES,), STYLES, SCRIPTS)
LIVE_SCRIPTS = tuple(f"live/{name}.js" for name in ("forward", "colours", "drawing", "maps", "field", "live"))
# Of a network that computes in the page.
REPORT_WITH_LIVE = PageFiles((TEMPLATES,), (*STYLES, "live/live.css"), (*LIVE_SCRIPTS, *SCRIPTS))


def render(template: str = "page/page.html.j2", *, files: PageFiles = REPORT, **values: object) -> str:
    """A template with these values as HTML, with all styles and scripts.

    `script_hash` is for the page's content security policy, which allows this script and no other.
    """
    script = _concatenated(files.folders, files.scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = template_environment(files.folders).get_template(template)
    style = _concatenated(files.folders, files.styles)
    return page.render(style=style, script=script, script_hash=f"sha256-{digest}", **values)


def _concatenated(folders: tuple[Path, ...], names: tuple[str, ...]) -> str:
    paths = (next(folder / name for folder in folders if (folder / name).is_file()) for name in names)
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def template_environment(folders: tuple[Path, ...] = (TEMPLATES,)) -> "Environment":
    """The Jinja environment of a page, with its filters."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for module in (number_formats, layer_names):
        environment.filters.update({name: getattr(module, name) for name in module.TEMPLATE_FILTERS})
    return environment
