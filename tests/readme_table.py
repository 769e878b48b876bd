"""The README's tables of networks, between two markers: python tests/readme_table.py writes it."""

import sys
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).parent
README = TESTS.parent / "README.md"
BEGIN, END = "<!-- networks: python tests/readme_table.py -->", "<!-- end of networks -->"


def table() -> str:
    """The networks of each family, folded, with their figures, input, and what their logits are checked against."""
    from zoo.models import FAMILIES

    return "\n\n".join(map(family_table, FAMILIES))


def family_table(family: str) -> str:
    """One row per network of a file of `zoo/models`, under the first line of that file."""
    from zoo.registry import natural_key

    module = import_module(f"zoo.models.{family}")
    heading = (module.__doc__ or "").splitlines()[0].rstrip(".")
    rows = [
        f"<details><summary>{heading} ({len(module.ENTRIES)})</summary>\n",
        "| name | parameters | multiply-adds | input | logits checked against | differs from the paper in |",
        "|---|--:|--:|---|---|---|",
    ]
    for info in sorted(module.ENTRIES, key=lambda info: natural_key(info.name)):
        size = f"{info.input_size}x{info.input_size}x{info.channels}"
        figures = f"{info.parameters:,} | {info.macs:,} | {size}"
        rows.append(f"| `{info.name}` | {figures} | {checked_against(info.name)} | {info.differs} |")
    return "\n".join([*rows, "\n</details>"])


def checked_against(name: str) -> str:
    """The original with the same logits, or the plain torch network that the tests have, written from the paper."""
    from networks.originals import ORIGINALS

    source, original = ORIGINALS.get(name, ("", ""))
    return f"{source} `{original}`" if source else "plain torch from the paper"


def readme_with(table: str) -> str:
    """The README with its table replaced."""
    text = README.read_text()
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    README.write_text(readme_with(table()))
