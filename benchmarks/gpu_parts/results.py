"""The rows of all parts, and how each part ended: written anew after each row, as JSON and as Markdown."""

import json
from pathlib import Path
from typing import Any

from gpu_parts.rows import as_markdown, parse_row


class Results:
    """What was found, in a folder with results.json, table.md and log.txt."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._rows: list[dict[str, Any]] = []
        self._parts: dict[str, dict[str, Any]] = {}
        (folder / "log.txt").write_text("")

    def add_line(self, line: str) -> None:
        """Show and log a line of a part's output, and keep it if it is a row."""
        print(line, end="", flush=True)
        with (self._folder / "log.txt").open("a") as file:
            file.write(line)
        if row := parse_row(line):
            self._rows.append(row)
            self._write()

    def end_part(self, name: str, outcome: str, seconds: float) -> None:
        """Note how a part ended: "ran", or another sentence."""
        self._parts[name] = {"outcome": outcome, "seconds": round(seconds, 1)}
        print(f"--- {name}: {outcome}, {seconds:.0f} s", flush=True)
        self._write()

    def figure(self, table: str, name: str) -> float | None:
        """The first figure of that name in a table whose title starts so; None if there is none."""
        return next((row[name] for row in self._rows if row["table"].startswith(table) and row.get(name)), None)

    @property
    def any_failed(self) -> bool:
        """Whether a part failed, or was stopped."""
        return any(part["outcome"].startswith(("failed", "stopped")) for part in self._parts.values())

    def markdown(self) -> list[str]:
        """All tables, the last of how each part ended."""
        parts = [
            {"table": "Parts", "part": name, "outcome": part["outcome"], "seconds": part["seconds"]}
            for name, part in self._parts.items()
        ]
        return as_markdown([*self._rows, *parts])

    def _write(self) -> None:
        text = json.dumps({"parts": self._parts, "rows": self._rows}, indent=1)
        (self._folder / "results.json").write_text(text + "\n")
        (self._folder / "table.md").write_text("\n".join(self.markdown()) + "\n")
