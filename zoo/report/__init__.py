"""A page that explains a network: `report` returns it as a string, `write_report` writes it to a file."""

from zoo.report.page import report, write_report

__all__ = ["report", "write_report"]
