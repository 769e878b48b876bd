"""The public names of the package, and what the pages of docs/api say about each."""

import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from documentation.blocks import ROOT

import zoo

API = ROOT / "docs" / "api"
DIRECTIVE = re.compile(r"^::: (\S+)\n", re.MULTILINE)
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"\A(?: {4}.*\n)+")


@dataclass(frozen=True)
class Entry:
    """What follows `::: NAME` on a page, up to the next one: text, and the code of its examples."""

    page: Path
    text: str
    examples: tuple[str, ...]


def public_names() -> dict[str, str]:
    """{name: its module} of all names in `__all__` of `zoo` and of its modules.

    Each once: `zoo.train` is of `zoo`. A module in `__all__` has a page, and is no name.
    """
    modules = [
        "zoo",
        *(f"zoo.{found.name}" for found in pkgutil.iter_modules(zoo.__path__) if found.name != "__main__"),
    ]
    names: dict[str, str] = {}
    for module in map(import_module, modules):
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if not isinstance(value, ModuleType) and (module is zoo or getattr(zoo, name, None) is not value):
                names[f"{module.__name__}.{name}"] = module.__name__
    return names


def page_of(module: str) -> Path:
    """Where the names of a module are documented."""
    return API / f"{module.split('.')[-1]}.md"


def entries() -> Iterator[tuple[str, Entry]]:
    """Every documented name with its entry."""
    for page in sorted(API.glob("*.md")):
        _, *parts = DIRECTIVE.split(page.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            prose = EXAMPLE.sub("", OPTIONS.sub("", text)).strip()
            yield name, Entry(page, prose, tuple(EXAMPLE.findall(text)))


def undocumented(name: str, entry: Entry | None, page: Path) -> Iterator[str]:
    """What is missing for a public name, one line each, with what to write where."""
    where = page.relative_to(ROOT)
    if entry is None or entry.page != page:
        yield f"{name}: add `::: {name}` to {where}, and below it an example that runs"
        return
    short = name.split(".")[-1]
    if not any(re.search(rf"\b{short}\b", code) for code in entry.examples):
        yield f"{name}: add an example that uses it below its line in {where}"
    module, _, attribute = name.rpartition(".")
    value = getattr(import_module(module), attribute)
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        # A constant or a type has no docstring of its own.
        if not entry.text:
            yield f"{name}: say below its line in {where} what it is"
        return
    if not _has_docstring(value):
        yield f"{name}: write its docstring: shapes, units, defaults that matter, errors, source"
    for method in _public_methods(value):
        yield f"{name}.{method}: write its docstring"


def _has_docstring(value: object) -> bool:
    # A dataclass without one gets its signature as such.
    text = getattr(value, "__doc__", None) or ""
    return bool(text) and not text.startswith(f"{getattr(value, '__name__', '')}(")


def _public_methods(value: object) -> Iterator[str]:
    """The public methods and properties of a class that have no docstring."""
    for name, member in vars(value).items() if inspect.isclass(value) else ():
        described = isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)
        if described and not name.startswith("_") and not inspect.getdoc(getattr(value, name)):
            yield name
