"""The same network as it is served: under jit, from our ONNX by two runtimes, by torch, and from torch's ONNX."""

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contenders import zoo_network
from speed import timed
from torch_contenders import torch_compiled, torch_eager, torch_model
from workload import Contender, Workload

import zoo
from zoo.export import ExportOptions, to_onnx
from zoo.weights import from_torch

# The contender that all others are compared with.
REFERENCE = "torch-onnx"


class LeftOutError(Exception):
    """Why a contender cannot run here."""


def ours_in_onnx_runtime(workload: Workload, folder: Path) -> Contender:
    """Our ONNX, which takes images [b, h, w, 3], in ONNX Runtime."""
    return _in_onnx_runtime("onnx", _our_onnx(workload, folder), workload.images)


def ours_in_openvino(workload: Workload, folder: Path) -> Contender:
    """Our ONNX in OpenVINO, in float32: on some processors its default is bfloat16."""
    import openvino

    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(_our_onnx(workload, folder), "CPU", options).create_infer_request()

    def infer() -> np.ndarray:
        return next(iter(request.infer([workload.images]).values()))

    return Contender("openvino", infer, infer)


def torchs_onnx(workload: Workload, folder: Path) -> Contender:
    """torch's own export of torchvision's network, which takes images [b, 3, h, w], in ONNX Runtime."""
    import torch

    model = torch_model(workload.network).eval()
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in workload.state.items()})
    images = np.ascontiguousarray(workload.images.transpose(0, 3, 1, 2))
    path = folder / "torch.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an exporter that will be removed; the newer one needs onnxscript
        torch.onnx.export(model, (torch.from_numpy(images),), str(path), dynamo=False)
    return _in_onnx_runtime(REFERENCE, path, images)


def torch_faster(workload: Workload, folder: Path) -> Contender:
    """torch without compilation, in the faster one of its two memory formats."""
    contenders = [torch_eager(workload, channels_last=channels_last) for channels_last in (True, False)]
    seconds = [min(timed(contender) for _ in range(3)) for contender in contenders]
    return contenders[int(np.argmin(seconds))]


def torch_compile(workload: Workload, folder: Path) -> Contender:
    """torch.compile; it writes C++ for a CPU."""
    if not any(map(shutil.which, ("g++", "clang++"))):
        raise LeftOutError("there is no C++ compiler")
    return torch_compiled(workload)


def zoo_jit(workload: Workload, folder: Path) -> Contender:
    """The zoo's network under jit."""
    return zoo_network(workload)


SERVERS: dict[str, Callable[[Workload, Path], Contender]] = {
    REFERENCE: torchs_onnx,
    "zoo": zoo_jit,
    "onnx": ours_in_onnx_runtime,
    "openvino": ours_in_openvino,
    "torch": torch_faster,
    "torch.compile": torch_compile,
}


def made(name: str, workload: Workload, folder: Path) -> Contender | str:
    """The contender, or why it is left out: what it needs is not installed."""
    try:
        return replace(SERVERS[name](workload, folder), name=name)
    except (LeftOutError, ModuleNotFoundError) as error:
        return str(error)


def _our_onnx(workload: Workload, folder: Path) -> Path:
    """The exported file, for the workload's batch size."""
    import onnx  # noqa: F401  # its absence leaves the contender out

    path = folder / "zoo.onnx"
    if not path.exists():
        model, variables = (
            zoo.create_model(workload.network),
            from_torch(workload.network, workload.state, "torchvision"),
        )
        to_onnx(
            model,
            variables,
            path,
            image_shape=workload.images.shape[1:],
            options=ExportOptions(batch=len(workload.images)),
        )
    return path


def _in_onnx_runtime(name: str, path: Path, images: np.ndarray) -> Contender:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Its threads would busy-wait in the next contender's time.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds: dict[str, Any] = {session.get_inputs()[0].name: images}
    infer = partial(_first_output, session, feeds)
    return Contender(name, infer, infer)


def _first_output(session: Any, feeds: dict[str, Any]) -> np.ndarray:
    return session.run(None, feeds)[0]
