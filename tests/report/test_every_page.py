"""Every network of the registry has a page."""

import pytest
from quick import computed

import zoo
from zoo.__main__ import main


@pytest.mark.parametrize("name", computed(zoo.list_models(), set()))
def test_a_page_is_written(name, tmp_path):
    page = tmp_path / "page.html"
    assert not main(["report", name, "--out", str(page)])
    assert f">{name}<" in page.read_text(encoding="utf-8")
