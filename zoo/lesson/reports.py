"""Pages of `zoo report` beside the lesson, about the networks that it names."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from zoo.report.page import write_report

# In the order of the page.
NAMED_NETWORKS = ("lenet5", "alexnet_2012", "zfnet", "googlenet_bn", "nin", "googlenet", "lenet5_1998")


def write_reports(folder: Path, names: tuple[str, ...] = NAMED_NETWORKS) -> list[Path]:
    """Write a page about each network that has none in the folder yet; returns what was written. Raises ZooError."""
    missing = [(name, folder / f"{name}.html") for name in names if not (folder / f"{name}.html").exists()]
    for name, path in missing:
        write_report(path, name)
    return [path for _, path in missing]


def report_addresses(page: Path, folder: Path, names: tuple[str, ...] = NAMED_NETWORKS) -> Mapping[str, str]:
    """The address of each network's page as the lesson at `page` links to it, by the network's name."""
    beside = os.path.relpath(folder, page.parent)
    return {name: quote(Path(beside, f"{name}.html").as_posix()) for name in names}
