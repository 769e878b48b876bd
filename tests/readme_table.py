"""The README's table of networks, between two markers: python tests/readme_table.py writes it."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent
README = TESTS.parent / "README.md"
BEGIN, END = "<!-- networks: python tests/readme_table.py -->", "<!-- end of networks -->"


def table() -> str:
    """One row per network, in the order of `list_models`: figures, input, and what its logits are checked against."""
    import zoo

    rows = ["| name | parameters | multiply-adds | input | logits checked against | differs from the paper in |"]
    rows.append("|---|--:|--:|---|---|---|")
    for name in zoo.list_models():
        info = zoo.model_info(name)
        size = f"{info.input_size}x{info.input_size}x{info.channels}"
        figures = f"{info.parameters:,} | {info.macs:,} | {size}"
        rows.append(f"| `{name}` | {figures} | {checked_against(name)} | {info.differs} |")
    return "\n".join(rows)


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
