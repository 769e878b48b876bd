"""The result of an export, and what is checked before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from zoo.counting.records import CountError
from zoo.counting.summarize import trace_network
from zoo.errors import ZooError
from zoo.export.batch_shapes import BatchShape, checked_shapes
from zoo.export.check import Check
from zoo.export.exportable import Exportable
from zoo.export.frames import frame_sizes
from zoo.export.network_function import LOGITS, PROBABILITIES, network_function, used_preprocessing
from zoo.export.options import SIZE_STEP, ExportOptions
from zoo.models.memory_forecast import check_inference_memory
from zoo.models.network import Network
from zoo.models.user_module.output_kind import is_probability
from zoo.printable import printable, shown_bytes
from zoo.runtime.atomic_files import check_replaceable


@dataclass(frozen=True)
class ExportedFile:
    """A file that was exported, with others that belong to it, and how it was checked."""

    path: Path
    others: tuple[Path, ...]
    check: Check

    def __str__(self) -> str:
        sizes = ", ".join(
            f"{printable(file)}: {shown_bytes(file.stat().st_size)}" for file in (self.path, *self.others)
        )
        return f"{sizes}; {self.check}"


def check_path(path: Path) -> None:
    """Raises ZooError where a file cannot be written at the path, before anything is computed."""
    if not path.name:
        raise ZooError("path is empty, or a folder: give a file")
    if path.is_dir():
        raise ZooError(f"{path} is a folder: give a file in it")
    if not path.absolute().parent.is_dir():
        raise ZooError(f"{path}: the folder {path.parent} does not exist: create it first")
    check_replaceable(path)


def checked_batches(network: Exportable, options: ExportOptions, step: int) -> tuple[BatchShape, BatchShape]:
    """The shapes of the batches with which a file is checked; `step` is that between its image sizes."""
    shapes = checked_shapes(options, network.image_shape, step)
    preprocessing = used_preprocessing(network, options)
    if preprocessing is None or options.preprocess != "full":
        return shapes
    (batch, *_, channels), (other, *_) = shapes
    first, second = frame_sizes(preprocessing)
    return (batch, *first, channels), (other, *second, channels)


def check_batches(network: Exportable, options: ExportOptions) -> None:
    """Raises ZooError where the network cannot take what its file takes, or that does not fit into the memory."""
    if not isinstance(options, ExportOptions):
        raise ZooError(f"options is a {type(options).__name__}: give a zoo.export.ExportOptions")
    for batch, height, width, channels in checked_shapes(options, network.image_shape, SIZE_STEP):
        check_inference_memory(network.model, (height, width, channels), batch)
    shapes = checked_batches(network, options, SIZE_STEP)
    if options.softmax and _gives_probabilities(network):
        raise ZooError(f"{network.name} gives probabilities itself: leave out softmax")
    function = network_function(network, options)
    for shape in shapes:
        outputs = jax.eval_shape(function, network.variables, jax.ShapeDtypeStruct(shape, options.input_dtype))
        if not outputs:
            raise ZooError(f"{network.name} gives no array: it cannot be exported")
        if any(array.shape[:1] != shape[:1] for array in outputs.values()):
            raise ZooError(f"{network.name} gives arrays without a row per image: it cannot be exported")
        names, classes = len(network.class_names), _classes(outputs)
        if names and classes and names != classes:
            raise ZooError(f"{names} class names for {classes} outputs of {network.name}: give one per output, or none")


def _gives_probabilities(network: Exportable) -> bool:
    """Whether a network of the user's is known to; not all that can be exported can be counted."""
    if isinstance(network.model, Network):
        return False
    try:
        return is_probability(trace_network(network.model, (1, *network.image_shape)))
    except CountError:
        return False


def _classes(outputs: Mapping[str, Any]) -> int:
    """The number of outputs of a classifier; 0 of features."""
    scores = outputs.get(LOGITS, outputs.get(PROBABILITIES))
    return scores.shape[-1] if scores is not None and scores.ndim == 2 else 0
