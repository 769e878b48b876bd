"""One page that explains a network: `report` gives it as a string, `write_report` writes it."""

from zoo.report.page import report, write_report

__all__ = ["report", "write_report"]
