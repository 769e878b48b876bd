"""The reference in docs/api: it has every public name, with its docstring and an example, and no other."""

from functools import cache

import pytest
from documentation.public_names import API, Entry, entries, page_of, public_names, undocumented

import zoo

NAMES = cache(public_names)


def test_every_public_name_is_documented():
    found = dict(entries())
    missing = [
        line for name, module in NAMES().items() for line in undocumented(name, found.get(name), page_of(module))
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_nothing_else_is_documented():
    modules = set(NAMES().values())
    names = [name for name, _ in entries()]
    assert len(NAMES()) > 100 and len(names) == len(set(names))
    assert not set(names) - set(NAMES()) - modules
    assert {page.stem for page in API.glob("*.md")} == {page_of(module).stem for module in modules}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (None, "zoo.train: add `::: zoo.train` to docs/api/zoo.md, and below it an example that runs"),
        (Entry(API / "data.md", "", ("zoo.train()",)), "zoo.train: add `::: zoo.train` to docs/api/zoo.md"),
        (Entry(API / "zoo.md", "", ("zoo.trainer()",)), "zoo.train: add an example that uses it"),
        (Entry(API / "zoo.md", "", ("zoo.train()",)), None),
    ],
)
def test_what_is_missing_is_said(entry, said):
    lines = list(undocumented("zoo.train", entry, API / "zoo.md"))
    assert len(lines) == bool(said) and all(line.startswith(said) for line in lines)


def test_a_name_without_a_docstring_is_found(monkeypatch):
    class Bare:
        def counted(self):
            return 1

    monkeypatch.setattr(zoo.count, "Bare", Bare, raising=False)
    entry = Entry(API / "count.md", "", ("zoo.count.Bare()",))
    lines = list(undocumented("zoo.count.Bare", entry, API / "count.md"))
    assert [line.split(":")[0] for line in lines] == ["zoo.count.Bare", "zoo.count.Bare.counted"]


def test_a_constant_needs_a_sentence():
    entry = Entry(API / "count.md", "", ("zoo.count.PAPER_TABLES",))
    assert len(list(undocumented("zoo.count.PAPER_TABLES", entry, API / "count.md"))) == 1
