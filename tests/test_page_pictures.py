"""docs/visualizing.md: each picture exists, is small, and is the one that the command below it writes."""

import re
import shlex

import pytest
from page_pictures import IMAGES, PAGE, picture_commands, shell_variables
from PIL import Image

from zoo.commands.command_line import parser

MEBIBYTE = 2**20


def test_every_picture_has_its_command():
    pictures = re.findall(r"\]\(images/([^)]+)\)", PAGE.read_text())
    assert pictures == [f"{name}.webp" for name in picture_commands()] and len(pictures) > 10
    kept = {str(path.relative_to(IMAGES)) for folder in ("fashion", "photos") for path in (IMAGES / folder).iterdir()}
    assert kept == set(pictures)
    assert sum((IMAGES / name).stat().st_size for name in kept) < 4 * MEBIBYTE
    assert "fashion=" in shell_variables() and "photos=" in shell_variables()


@pytest.mark.parametrize("name", picture_commands())
def test_the_command_names_the_picture(name):
    folder, _, sheet = name.partition("/")
    program, command = picture_commands()[name].replace("\\\n", "").split(" ", 1)
    args = parser("visualize").parse_args(shlex.split(command))
    assert program == "zoo" and args.out.as_posix() == f"pictures/{folder}"
    layer = args.layers[0].replace("/", "-") if args.layers else ""
    assert args.method is None or sheet.startswith(args.method)
    assert not layer or layer in sheet
    with Image.open(IMAGES / f"{name}.webp") as image:
        image.load()
        assert min(image.size) > 300
