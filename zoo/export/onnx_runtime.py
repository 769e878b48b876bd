"""An ONNX file as others compute it: by ONNX Runtime, or without it by onnx's reference evaluator."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo.count import summarize
from zoo.errors import ZooError
from zoo.export.batch_shapes import BatchShape
from zoo.export.check import Outputs, Served
from zoo.export.exportable import Exportable
from zoo.export.libraries import has_runtime, import_runtime
from zoo.printable import one_line

# Multiply-adds for which the reference evaluator, which is written in Python, needs a minute.
MAX_REFERENCE_MACS = 6 * 10**9


def check_can_run(network: Exportable, batches: Iterable[BatchShape]) -> None:
    """Raises ZooError where ONNX Runtime is broken, or not installed, and these batches are too large for the other."""
    if has_runtime():
        import_runtime()
        return
    macs = sum(batch * (summarize(network.model, (1, *size)).macs or math.inf) for batch, *size in batches)
    if macs > MAX_REFERENCE_MACS:
        raise ZooError(f"without ONNX Runtime {network.name} is too large to be checked: pip install onnxruntime")


def open_onnx(path: Path, name: str) -> tuple[Served, str]:
    """The function of a file, and what computes it. Raises ZooError, which has the network's name, for a wrong file."""
    try:
        return _open_in_runtime(path, name) if has_runtime() else _open_in_reference(path)
    except ZooError:
        raise
    except Exception as error:  # of classes of ONNX Runtime
        raise ZooError(f"the exported {name} cannot be opened: {one_line(error)}") from error


def _open_in_runtime(path: Path, name: str) -> tuple[Served, str]:
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    (images_name,) = (one.name for one in session.get_inputs())

    def call(images: np.ndarray) -> Outputs:
        try:
            return dict(zip(names, session.run(names, {images_name: images}), strict=True))
        except Exception as error:
            raise ZooError(f"ONNX Runtime cannot compute the exported {name}: {one_line(error)}") from error

    return call, f"ONNX Runtime {onnxruntime.__version__}"


def _open_in_reference(path: Path) -> tuple[Served, str]:
    import onnx
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(str(path))
    (images_name,) = evaluator.input_names

    def call(images: np.ndarray) -> Outputs:
        return dict(zip(evaluator.output_names, evaluator.run(None, {images_name: images}), strict=True))

    return call, f"the reference evaluator of onnx {onnx.__version__}"
