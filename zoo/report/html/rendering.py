"""Jinja templates to HTML: all values are escaped; styles and scripts are written into the page."""

import base64
import hashlib
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


def render(template: str = "page/page.html.j2", **values: object) -> str:
    """A template with these values as HTML, with all styles and scripts.

    `script_hash` is for the page's content security policy, which allows this script and no other.
    """
    script = _concatenated(SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = template_environment().get_template(template)
    return page.render(style=_concatenated(STYLES), script=script, script_hash=f"sha256-{digest}", **values)


def _concatenated(names: tuple[str, ...]) -> str:
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


@cache
def template_environment() -> "Environment":
    """The Jinja environment of the page, with its filters."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for module in (number_formats, layer_names):
        environment.filters.update({name: getattr(module, name) for name in module.TEMPLATE_FILTERS})
    return environment
