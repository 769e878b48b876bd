"""Make the pictures of the README's pages, in a browser: python tests/report_pictures.py (needs playwright)."""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from zoo.lesson import write_lesson
from zoo.report import write_report

IMAGES = Path(__file__).parents[1] / "docs" / "images"
# In CSS pixels; a picture has `SCALE` times as many.
WIDTH, HEIGHT, SCALE = 1360, 1300, 1.2
WEBP_QUALITY = 85


def open_a_layer(page) -> None:
    """The formulas and the receptive field of a 3x3 convolution of ResNet-50, at the top of the window."""
    page.get_by_role("button", name="conv3_1", exact=True).click()
    page.locator("#table tr.layer:visible a").filter(has_text="conv2").first.click()
    page.locator("#layers").evaluate("section => section.scrollIntoView()")


PICTURES = {"googlenet": lambda page: None, "resnet50": open_a_layer}


def make_pictures() -> None:
    """Write one picture per network, and one of the lesson."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or sys.exit("no browser: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
        for name, prepare in PICTURES.items():
            file = Path(folder) / f"{name}.html"
            write_report(file, name)
            page.goto(file.as_uri())
            prepare(page)
            page.mouse.move(0, 0)
            save(page.screenshot(), f"report-{name}")
        write_lesson(Path(folder) / "lesson.html")
        page.goto((Path(folder) / "lesson.html").as_uri())
        save(draw_a_digit(page), "lesson-draw")
        browser.close()


def draw_a_digit(page) -> bytes:
    """The network's panel after a 7 was drawn, with a value of its second convolution explained."""
    page.locator("[data-part=clear]").click()
    frame = page.locator("canvas.pad").bounding_box()
    (left, top), size = (frame["x"], frame["y"]), frame["width"]
    page.mouse.move(left + 0.25 * size, top + 0.18 * size)
    page.mouse.down()
    for x, y in ((0.75, 0.18), (0.6, 0.5), (0.45, 0.85)):
        page.mouse.move(left + x * size, top + y * size, steps=8)
    page.mouse.up()
    page.locator("canvas.maps").nth(2).click(position={"x": 90, "y": 30})
    return page.locator("#live").screenshot()


def save(picture: bytes, name: str) -> None:
    """Write a PNG as docs/images/NAME.webp."""
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").save(IMAGES / f"{name}.webp", quality=WEBP_QUALITY, method=6)


if __name__ == "__main__":
    make_pictures()
