"""The documentation site, as far as it can be tested without its builder: pages, links, the table of networks."""

import tomllib
from pathlib import Path

import pytest
from documentation.blocks import ROOT

import zoo

SITE = ROOT / "docs" / "site"


@pytest.fixture(autouse=True)
def site_modules(monkeypatch):
    monkeypatch.syspath_prepend(SITE)


def pages_of(nav):
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from pages_of([value] if isinstance(value, str) else value)


def test_every_page_is_in_the_navigation_once():
    from pages import site_pages

    nav = list(pages_of(tomllib.loads((SITE / "zensical.toml").read_text())["project"]["nav"]))
    assert sorted(nav) == sorted(["networks.md", *map(str, site_pages().values())]), "nav of docs/site/zensical.toml"


def test_links_lead_to_their_places_in_the_site():
    from pages import PageLinks

    pictures = set()
    text = (
        "[a](training.md#options) [b](../CONTRIBUTING.md#fuzz) [`c`](../zoo/training/config/recipes) [d](https://x.org/y.md)\n"
        "![e](images/coffee.jpg) [f](#here) [g](../README.md) [i](../README.md#all-networks)\n```\n[h](gone.md)\n```\n"
    )
    assert PageLinks(Path("docs/lesson.md"), pictures).replaced(text) == (
        "[a](training.md#options) [b](contributing.md#fuzz) `c` [d](https://x.org/y.md)\n"
        "![e](pictures/docs/images/coffee.jpg) [f](#here) [g](overview.md) [i](networks.md)\n```\n[h](gone.md)\n```\n"
    )
    assert pictures == {Path("docs/images/coffee.jpg")}
    html = '<a href="docs/lesson.md#10-draw"><img src="docs/images/coffee.jpg"></a>'
    assert PageLinks(Path("README.md"), pictures).replaced(html) == (
        '<a href="lesson.html#10-draw"><img src="pictures/docs/images/coffee.jpg"></a>'
    )


def test_a_link_to_nothing_is_an_error():
    from pages import BrokenLink, PageLinks

    with pytest.raises(BrokenLink, match=r"docs/lesson\.md has a link to gone\.md"):
        PageLinks(Path("docs/lesson.md"), set()).replaced("[a](gone.md)")


def test_faults_of_the_built_site_are_found(tmp_path):
    from check_html import problems

    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="https://fonts.example/x.css"><link rel="canonical" href="https://zoo.example/">'
        '<script src="gone.js"></script><img src="data:image/png;base64,AA=="><a href="b.html#there">b</a>'
        '<a href="b.html#nowhere">b</a><a href="https://example.org">out</a><a href="#__skip">top</a>'
        '<a href="https://exam ple.org">out</a><a href="htps://example.org">out</a>'
    )
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1>')
    assert sorted(problems(tmp_path)) == [
        "a.html has a link to b.html#nowhere, which is not there",
        "a.html has a link to gone.js, which is not there",
        "a.html has a link to htps://example.org, which is no address",
        "a.html has a link to https://exam ple.org, which is no address",
        "a.html loads https://fonts.example/x.css",
    ]


def test_the_table_has_every_network_with_its_numbers():
    from networks_page import networks_page

    page = networks_page()
    rows = [line for line in page.splitlines() if line.startswith("<tr><td><code>")]
    assert [row.split("<code>")[1].split("</code>")[0] for row in rows] == zoo.list_models()
    info = zoo.model_info("googlenet")
    (row,) = (row for row in rows if "<code>googlenet</code>" in row)
    assert f'<td data-number="{info.macs}">{info.macs:,}</td>' in row and info.url in row and info.title in row
