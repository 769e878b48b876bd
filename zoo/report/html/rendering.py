"""From the parts of the page to HTML: templates with everything escaped, styles and script inside."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from zoo.report.html import numbers
from zoo.report.layers import layer_names

TEMPLATES = Path(__file__).with_name("templates")
STYLES = ("style.css", "strip.css", "table.css", "figures.css", "learned.css", "run.css")
SCRIPTS = ("arithmetic.js", "picker.js", "table.js", "panel.js", "example.js", "pooling.js", "start.js")


def render(template: str = "page.html.j2", **parts: Any) -> str:
    """A template with these parts, the styles and the script."""
    script = _joined(SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(style=_joined(STYLES), script=script, script_hash=f"sha256-{digest}", **parts)
    )


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


@cache
def _environment():
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(numbers, name) for name in numbers.FILTERS})
    environment.filters.update({name: getattr(layer_names, name) for name in layer_names.FILTERS})
    return environment
