"""Imports point one way: from a part of the package to the parts before it, and never in a circle."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from medium import long_functions, medium_functions

ROOT = Path(__file__).parents[1]
# From bottom to top: a part imports itself and the parts before it, also inside functions and for type checkers.
PARTS = (
    *("printable", "errors", "geometry", "runtime", "initializers", "counting", "count", "kernels", "layers"),
    *("models", "registry"),
    *(
        "data",
        "inference",
        "weights",
        "caches",
        "export",
        "training",
        "nnx",
        "visualize",
        "report",
        "lesson",
        "doctor",
        "commands",
    ),
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "zoo").rglob("*.py"))}


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    """The modules of the package that a file imports, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # A name of a package is a module of it, or is defined in its __init__.
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module or "" for name in within]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name in MODULES)


def test_every_part_has_a_position():
    parts = {name.split(".")[1] for name in MODULES if "." in name} - {"__main__"}
    assert parts <= set(PARTS)


def test_imports_point_down():
    upward = [
        f"{path.relative_to(ROOT)}:{line} imports {imported}"
        for name, path in MODULES.items()
        if name not in ("zoo", "zoo.__main__")
        for imported, line in imported_modules(path)
        if imported != "zoo" and PARTS.index(imported.split(".")[1]) > PARTS.index(name.split(".")[1])
    ]
    assert not upward


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: {imported for imported, _ in imported_modules(path)} for name, path in MODULES.items()}
    # `zoo` itself is above all parts: an import of its version is not a circle.
    graph = {name: imports - {"zoo", name} for name, imports in graph.items()}
    circle = ""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
    assert not circle


def test_long_tests_are_found_in_the_output_of_pytest():
    durations = """
0.40s call     tests/a/test_b.py::test_c[x-1]
0.20s setup    tests/a/test_b.py::test_c[x-1]
0.30s call     tests/a/test_b.py::test_c[x-2]
0.49s call     tests/a/test_b.py::test_d
2.00s call     tests/test_layout.py::test_e
0.70s call     tests/a/test_b.py::test_f
"""
    # test_c: 0.45 s on average
    assert long_functions(durations) == ["tests/a/test_b.py::test_f"]
    assert long_functions(durations.replace("0.30s", "0.40s")) == [f"tests/a/test_b.py::test_{name}" for name in "cf"]


def test_functions_of_medium_txt_exist():
    """Of a test that has a new name, the old one would stay there, and the test would be in the default run."""
    for function in medium_functions():
        file, _, name = function.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), function


def test_files_of_tests_have_different_names():
    """pytest imports them by their names alone: of two, the second is an error where both are imported."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
