"""A network as ONNX in int8: weights and activations are integers of 8 bits, calibrated on images of a data set."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import jax
import numpy as np

from zoo.data import Dataset, UnreadableImages
from zoo.errors import ZooError
from zoo.export.batch_shapes import ImageShape
from zoo.export.check import Check, Outputs, Served
from zoo.export.dataset_images import LabelledImages, labelled_images
from zoo.export.exportable import Exportable, exportable
from zoo.export.exported_file import check_path
from zoo.export.libraries import check_onnx, has_runtime
from zoo.export.network_function import network_function
from zoo.export.onnx_file import write_onnx
from zoo.export.onnx_runtime import open_onnx
from zoo.export.options import DEFAULT_OPTIONS, ExportOptions
from zoo.inference.class_outputs import matching_class_names
from zoo.printable import one_line, printable, shown_bytes
from zoo.runtime.atomic_files import replacing
from zoo.runtime.home_folder import expand_home
from zoo.runtime.limits import POSITIVE_COUNT
from zoo.runtime.system_errors import reason
from zoo.runtime.temporary_folder import temporary_folder
from zoo.weights import Weights

if TYPE_CHECKING:
    import onnx

CALIBRATION_IMAGES = 256
MAX_TEST_IMAGES = 10_000
# By which the quantiser knows that a graph needs no preparation: batch norms are folded, and shapes are known.
PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")
QUANTISER_KEYS = (PREPARED[0], "onnx.infer")
# Where a norm computes its statistics: 8 bits are too few for squares, and for what they are divided by.
STATISTICS = ("ReduceMean", "Sqrt", "Reciprocal")


@dataclass(frozen=True)
class Comparison:
    """The float32 file and the int8 file on the same test images of `dataset`.

    Top-1 accuracies are 0 to 1, and None where its classes are not the network's, as `other_classes` then says;
    `agreement` is the fraction of the images that get the same class from both.
    """

    dataset: str
    images: int
    float32_accuracy: float | None
    int8_accuracy: float | None
    agreement: float
    other_classes: str = ""

    def __str__(self) -> str:
        images = f"{self.images:,} test images of {printable(self.dataset)}"
        same = f"{self.agreement:.2%} get the same class"
        if self.float32_accuracy is None or self.int8_accuracy is None:
            return f"of {images} {same} in float32 and int8 (accuracy is not known: {self.other_classes})"
        accuracies = f"{self.float32_accuracy:.4f} in float32, {self.int8_accuracy:.4f} in int8"
        return f"top-1 accuracy on {images} {accuracies}; {same}"


@dataclass(frozen=True)
class QuantizedFile:
    """A file in int8, and the float32 file that it was made from: its size, its check, and both on test images."""

    path: Path
    float32_bytes: int
    check: Check
    comparison: Comparison

    def __str__(self) -> str:
        sizes = f"{shown_bytes(self.path.stat().st_size)}, in float32 {shown_bytes(self.float32_bytes)}"
        return f"{printable(self.path)}: {sizes}; {self.comparison}; float32: {self.check}"


def to_int8_onnx(
    weights: Weights,
    dataset: Dataset,
    path: str | Path = "",
    *,
    calibration_images: int = CALIBRATION_IMAGES,
    image_shape: ImageShape | None = None,
    options: ExportOptions = DEFAULT_OPTIONS,
    unreadable: UnreadableImages | None = None,
) -> QuantizedFile:
    """Write a network as ONNX, quantised by ONNX Runtime: int8 weights per channel, uint8 activations (QDQ nodes).

    The ranges of the activations are the smallest and largest values on `calibration_images` images of the training
    split, at equal distances in it. The float32 file is checked as by `to_onnx`; then both files classify the test
    split, at most 10,000 images of it. Images that cannot be read are left out, as often as `unreadable` allows. Needs
    onnx and onnxruntime. Raises ZooError as `to_onnx`, for a data set without training or test images, for another
    dtype than float32, for features instead of logits, and for frames of any size (preprocess "full").
    """
    path = expand_home(path)
    check_path(path)
    check_onnx()
    _check(options, dataset, calibration_images)
    network = exportable(weights, None, image_shape, None, ())
    _check_classifier(network, options)
    classes, other_classes = _known_classes(weights, dataset)
    with temporary_folder() as folder:
        float32 = folder / "float32.onnx"
        exported = write_onnx(network, float32, options)
        if exported.others:
            raise ZooError(f"{network.name} takes more than 2 GB: it cannot be quantised")
        size = float32.stat().st_size
        calibration = _images(network, options, dataset, "train", calibration_images, unreadable)
        with replacing(path) as unfinished:
            _quantize(float32, unfinished, calibration, network.name, f"int8, calibrated on {dataset.name}")
            test = _images(network, options, dataset, "test", MAX_TEST_IMAGES, unreadable, classes)
            before, after = (open_onnx(file, network.name)[0] for file in (float32, unfinished))
            comparison = _compared(before, after, test, dataset.name, other_classes)
    return QuantizedFile(path, size, exported.check, comparison)


def _check(options: ExportOptions, dataset: Dataset, calibration_images: int) -> None:
    POSITIVE_COUNT.check(calibration_images, "calibration_images")
    if options.features:
        raise ZooError("int8 is for logits, by which both files are compared: leave out features")
    if options.preprocess == "full":
        raise ZooError("int8 is calibrated with images of the network's size: use preprocess normalize, or none")
    if options.dtype != "float32":
        raise ZooError(f"int8 is made from float32: leave out dtype {options.dtype}")
    for split, images in (("training", dataset.train), ("test", dataset.test)):
        if not len(images):
            raise ZooError(f"{dataset.name} has no {split} images, which int8 is calibrated and compared with")
    if not has_runtime():
        raise ZooError("int8 needs a library that is not installed: pip install onnxruntime")


def _check_classifier(network: Exportable, options: ExportOptions) -> None:
    images = jax.ShapeDtypeStruct((1, *network.image_shape), options.input_dtype)
    outputs = jax.eval_shape(network_function(network, options), network.variables, images)
    if [array.ndim for array in outputs.values()] != [2]:
        raise ZooError(f"{network.name} does not give logits [batch, classes], by which int8 is compared with float32")


def _known_classes(weights: Weights, dataset: Dataset) -> tuple[int | None, str]:
    """The number of classes that the weights and the data set share; None, and why, where they have other classes."""
    try:
        return len(matching_class_names(weights, dataset)), ""
    except ZooError as error:
        return None, str(error)


def _images(
    network: Exportable,
    options: ExportOptions,
    dataset: Dataset,
    split: Literal["train", "test"],
    limit: int,
    unreadable: UnreadableImages | None,
    classes: int | None = None,
) -> Iterator[LabelledImages]:
    if network.preprocessing is None:
        raise ZooError(f"how images are made for {network.name} is not known: it cannot be calibrated")
    source = dataset.train if split == "train" else dataset.test
    return labelled_images(source, limit, network.preprocessing, options, unreadable=unreadable, classes=classes)


class _CalibrationReader:
    """Batches in the form that the quantiser asks for: one per call, None after the last."""

    def __init__(self, name: str, batches: Iterator[np.ndarray]) -> None:
        self._name, self._batches = name, batches

    def get_next(self) -> dict[str, np.ndarray] | None:
        images = next(self._batches, None)
        return None if images is None else {self._name: images}


def _quantize(source: Path, target: Path, calibration: Iterator[LabelledImages], name: str, description: str) -> None:
    """Write the file in int8, with the metadata of the other. Raises ZooError where that cannot be done."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model = onnx.load(source)
    properties = {one.key: one.value for one in model.metadata_props}
    onnx.helper.set_model_props(model, dict([PREPARED]))
    try:
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            _CalibrationReader(model.graph.input[0].name, (batch.images for batch in calibration)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_float32_nodes(model),
        )
        quantized = onnx.load(target)
        del quantized.metadata_props[:]
        onnx.helper.set_model_props(quantized, properties | {"quantization": description})
        onnx.save(quantized, target)
        onnx.checker.check_model(str(target), full_check=True)
    except (ZooError, MemoryError):
        raise
    except OSError as error:
        raise ZooError(f"cannot write the file in int8: {reason(error)}") from None
    except Exception as error:  # of any class: the quantiser has no errors of its own
        raise ZooError(f"ONNX Runtime cannot quantise {name}: {one_line(error)}") from error


def _float32_nodes(model: "onnx.ModelProto") -> list[str]:
    """Norms that are not folded, and the sums and products beside the statistics of layer norms."""
    nodes = model.graph.node
    statistics = {name for node in nodes if node.op_type in STATISTICS for name in (*node.input, *node.output)}
    return [
        node.name
        for node in nodes
        if node.op_type == "BatchNormalization"
        or (node.op_type in ("Add", "Mul") and not statistics.isdisjoint((*node.input, *node.output)))
    ]


def _compared(
    float32: Served, int8: Served, batches: Iterable[LabelledImages], dataset: str, other_classes: str
) -> Comparison:
    """The classes that both files give."""
    images = same = right_in_float32 = right_in_int8 = 0
    for batch in batches:
        before, after = (_classes(served(batch.images))[: len(batch.labels)] for served in (float32, int8))
        images += len(batch.labels)
        same += int((before == after).sum())
        right_in_float32 += int((before == batch.labels).sum())
        right_in_int8 += int((after == batch.labels).sum())
    if not images:
        raise ZooError(f"{dataset} has no test image that can be read")
    if other_classes:
        return Comparison(dataset, images, None, None, same / images, other_classes)
    return Comparison(dataset, images, right_in_float32 / images, right_in_int8 / images, same / images)


def _classes(outputs: Outputs) -> np.ndarray:
    (scores,) = outputs.values()
    return scores.argmax(axis=-1)
