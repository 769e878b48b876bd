"""Renders a single template of the report, and parses the HTML with the standard library."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from zoo.report.html.rendering import template_environment


class Section(HTMLParser):
    """`tables`, each rows of cells' texts; `images`, each its attributes; `text`, all of it; `tags` as they come."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.images, self.tags, self.texts = [], [], [], []
        self._cell = None
        self.feed(html)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = []
        elif tag == "img":
            self.images.append(dict(attrs))

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1].append("".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data):
        self.texts.append(data)
        if self._cell is not None:
            self._cell.append(data)


def rendered(template, **parts):
    return Section(template_environment().get_template(template).render(**parts))


def pixels(uri):
    """The array that a data: address holds, palettes as colours."""
    head, _, data = uri.partition(",")
    assert head in ("data:image/png;base64", "data:image/webp;base64")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    return np.asarray(image.convert("RGB") if image.mode == "P" else image)
