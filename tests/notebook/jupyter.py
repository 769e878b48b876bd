"""Run notebooks in Jupyter, as people do."""

import os
from pathlib import Path

import pytest
from documentation.blocks import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
NotebookNode = nbformat.NotebookNode

# torchvision's wheel expects CUDA. This declares what the CPU build of torch lacks for it, unseen by the notebook.
STARTUP = "from zoo.weights.import_torchvision import import_torchvision\n\nimport_torchvision()\n"


def execute(notebook: NotebookNode, folder: Path, *, torchvision: bool = False) -> NotebookNode:
    """The notebook with its outputs, run in this folder. Raises nbclient's error of the first cell that fails."""
    if torchvision:
        startup = folder / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "declare_operators.py").write_text(STARTUP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("ZOO_CACHE", str(folder / "cache"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        # As docs/notebooks.md says, for huge pages.
        patch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
        return nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()


def texts(cell: NotebookNode, name: str | None = None) -> str:
    """What a cell prints, of one stream or of both."""
    streams = [output for output in cell.outputs if output.output_type == "stream"]
    return "".join(output.text for output in streams if name in (None, output.name))


def shown(cell: NotebookNode, kind: str) -> list[str]:
    """What a cell shows, of a kind such as text/html."""
    return [output.data[kind] for output in cell.outputs if "data" in output and kind in output.data]
