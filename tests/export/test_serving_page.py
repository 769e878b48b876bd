"""docs/serving.md: its programs need neither zoo nor Flax, and its page classifies an image in a browser.

tests/documentation runs the code of ONNX Runtime and of JAX, the nightly tests that of other libraries (.ci/serving).
"""

import ast
import json
import os
import re
from pathlib import Path

import flax.linen as nn
import numpy as np
import pytest
from documentation.blocks import ROOT, blocks_of
from PIL import Image

import zoo

PAGE = ROOT / "docs" / "serving.md"
HTML = re.compile(r"^```html\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def imported(code):
    """The packages that the code imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def test_programs_need_neither_zoo_nor_flax():
    packages = {}
    for block in blocks_of(PAGE):
        if block.kind == "python":
            packages.setdefault(block.section, set()).update(imported(block.code))
    assert packages["ONNX Runtime"] == {"json", "numpy", "onnxruntime", "PIL"}
    assert packages["JAX"] == {"json", "pathlib", "jax"}
    assert not {"zoo", "flax"} & set.union(*packages.values())


class Colour(nn.Module):
    """Which of red, green and blue an image has most of."""

    image_shape: tuple[int, int, int] = (224, 224, 3)

    @nn.compact
    def __call__(self, x):
        return nn.Dense(3, name="head")(x.mean(axis=(1, 2)))


@pytest.fixture
def node_modules():
    """The folder of onnxruntime-web: ONNXRUNTIME_WEB names the one in which `npm install onnxruntime-web` was run."""
    if not (folder := os.environ.get("ONNXRUNTIME_WEB")):
        pytest.skip("ONNXRUNTIME_WEB is not set")
    return Path(folder) / "node_modules"


def test_the_page_classifies_an_image_in_a_browser(node_modules, chromium, served, tmp_path):
    variables = {"params": {"head": {"kernel": 9 * np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}}}
    preprocessing = zoo.data.Preprocessing(image_shape=(224, 224, 3), mean=(0.5,) * 3, std=(0.5,) * 3)
    options = zoo.export.ExportOptions(preprocess="full", softmax=True)
    zoo.export.to_onnx(Colour(), variables, tmp_path / "lite0.onnx", preprocessing=preprocessing, options=options)
    (tmp_path / "lite0.names.json").write_text(json.dumps(["red", "green", "blue"]))
    (html,) = HTML.findall(PAGE.read_text(encoding="utf-8"))
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(node_modules)
    # Green at the sides, which the file leaves out; of the centre a fifth is blue.
    pixels = np.zeros((250, 500, 3), np.uint8)
    pixels[..., 1] = 255
    pixels[:, 125:375] = (255, 0, 0)
    pixels[:50, 125:375] = (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "image.png")

    page = chromium.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    address = served(tmp_path)
    page.goto(f"{address}/index.html")
    page.locator("input:enabled").set_input_files(tmp_path / "image.png", timeout=60_000)
    page.wait_for_function("document.querySelector('pre').textContent", timeout=60_000)
    shown = [line.split("  ") for line in page.locator("pre").inner_text().splitlines()]
    assert [name for _, name in shown] == ["red", "blue", "green"]
    assert float(shown[0][0]) > 0.99
    assert all(url.startswith((address, "blob:")) for url in requests)
    page.close()
