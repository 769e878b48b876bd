"""What was found: lines in sections, some of them with a problem and its remedy."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A line: what was looked at, and what is there. `problem` and `remedy` are empty where all is well."""

    name: str
    value: str
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the findings with a title."""

    title: str
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each problem: what is wrong, and what to do."""
        return tuple(f"{one.problem}: {one.remedy}" for one in self.findings if one.problem)

    def json_object(self) -> dict[str, Any]:
        """The section as an object of JSON."""
        return {"title": self.title, "findings": [_json_object(one) for one in self.findings]}

    def to_lines(self) -> list[str]:
        """The title, and an indented line for each finding."""
        width = max((len(one.name) for one in self.findings), default=0)
        return [self.title, *(f"  {one.name.ljust(width)}  {one.value}".rstrip() for one in self.findings)]


def _json_object(finding: Finding) -> dict[str, str]:
    record = {"name": finding.name, "value": finding.value}
    return {**record, "problem": finding.problem, "remedy": finding.remedy} if finding.problem else record
