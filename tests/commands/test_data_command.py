"""`zoo data`: what a data set holds."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from test_cli import error_of

from zoo.__main__ import main
from zoo.data import open_dataset
from zoo.visualize.sheets.contact_sheet import GAP, TILE, UNREADABLE, WHITE, class_members, contact_sheet


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for value, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for index in range(5):
            Image.new("RGB", (16, 8), (200 * value, 10 * index, 50)).save(folder / name / f"{index}.png")
    shutil.copy(folder / "cat" / "0.png", folder / "dog" / "copy.png")
    (folder / "cat" / "notes.txt").write_text("")
    return folder


def test_text_for_people(capsys, photos):
    assert main(["data", str(photos)]) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()]
    assert ["cat", "4", "1"] in rows and ["dog", "5", "1"] in rows and not err
    for part in ("all 11 images decoded: 8x16 pixels, in colour", "1 copy among 11", "1 .txt (cat/notes.txt)"):
        assert part in out
    assert "cat/0.png" in out and "dog/copy.png" in out


def test_names_of_any_bytes_can_be_printed(capsys, photos):
    moved = photos.rename(photos.parent / os.fsdecode(b"\xff"))
    (moved / "cat" / "0.png").rename(moved / "cat" / os.fsdecode(b"\xfe.png"))
    for options in ((), ("--json",)):
        assert main(["data", str(moved), *options]) == 0
        assert capsys.readouterr().out.encode()


def test_json(capsys, photos):
    assert main(["data", str(photos), "--json", "--all"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["training"], found["test"], found["looked_at"]["images"]) == (9, 2, 11)
    assert found["classes"][0] == {"name": "cat", "training": 4, "test": 1}
    assert sorted(found["copies"][0]["images"]) == ["cat/0.png", "dog/copy.png"]
    assert "notes.txt" in found["left_out"]


def test_data_sets_that_are_no_folder(capsys):
    assert main(["data", "digits", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(row["training"] for row in found["classes"]) == found["training"] == 1442
    assert found["looked_at"]["smallest"] == [8, 8] and found["copies"] == []


def test_a_contact_sheet(capsys, photos, tmp_path):
    sheet = tmp_path / "sheet.png"
    assert main(["data", str(photos), "--sheet", str(sheet)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(sheet)
    with Image.open(sheet) as image:
        assert image.format == "PNG" and image.width > 8 * TILE and image.height > 2 * TILE
    capsys.readouterr()
    assert "suffix of a figure" in error_of(capsys, "data", str(photos), "--sheet", str(tmp_path / "sheet.txt"))


def test_a_row_of_the_sheet_is_a_class(photos):
    (photos / "dog" / "copy.png").unlink()
    dataset = open_dataset(photos)
    (photos / dataset.train.files[0]).write_bytes(b"")
    (axes,) = contact_sheet(dataset).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    mosaic = axes.get_images()[0].get_array()
    middles = mosaic[TILE // 2 :: TILE + GAP, TILE // 2 :: TILE + GAP]
    assert (middles[0, 0] == UNREADABLE).all() and (middles[:, 4:] == WHITE).all()
    assert (middles[0, 1:4, 0] == 0).all() and (middles[1, :4, 0] == 200).all()


def test_members_of_a_class_are_evenly_spaced():
    class Labelled:
        labels = np.repeat([1, 0], (20, 3))

        def __len__(self):
            return 23

    assert class_members(Labelled(), 3) == [[20, 21, 22], [0, 2, 5, 7, 10, 12, 15, 17], []]


def test_bad_input_is_one_line(capsys, tmp_path, photos):
    assert "no folder" in error_of(capsys, "data", str(tmp_path / "none"))
    assert "has no effect" in error_of(capsys, "data", str(photos), "--data-dir", str(tmp_path))
    (tmp_path / "empty").mkdir()
    assert "holds no images" in error_of(capsys, "data", str(tmp_path / "empty"))
