"""A network as ONNX: the converted graph, its metadata, and the check of the file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.export.batch_shapes import ImageShape, checked_shapes, example_shapes
from zoo.export.check import check_file
from zoo.export.exportable import Exportable, exportable
from zoo.export.exported_file import ExportedFile, check_batches, check_path, checked_batches
from zoo.export.libraries import check_onnx
from zoo.export.metadata import as_texts, metadata
from zoo.export.network_function import network_function, stored_variables
from zoo.export.onnx_runtime import check_can_run, open_onnx
from zoo.export.options import DEFAULT_OPTIONS, ExportOptions
from zoo.models.variables import Variables
from zoo.runtime.atomic_files import replaced_file, replacing_with_others
from zoo.runtime.home_folder import expand_home
from zoo.weights import Weights

if TYPE_CHECKING:
    import onnx

ANY_SIZE = 1  # pixels between the image sizes that a file takes, where these are free
# Of protobuf's messages: larger ones have their arrays in a second file.
MAX_FILE = 2**31 - 2**20


def to_onnx(
    model: nn.Module | Weights,
    variables: Variables | None = None,
    path: str | Path = "",
    *,
    image_shape: ImageShape | None = None,
    preprocessing: Preprocessing | None = None,
    class_names: tuple[str, ...] = (),
    options: ExportOptions = DEFAULT_OPTIONS,
) -> ExportedFile:
    """Write a network as ONNX, with its metadata in `metadata_props`; of more than 2 GB the arrays are in `path`.data.

    The arguments are those of `to_stablehlo`. Needs the library onnx. Raises ZooError as that does, and where a layer
    has no operators in ONNX.
    """
    path = expand_home(path)
    check_path(path)
    check_onnx()
    return write_onnx(exportable(model, variables, image_shape, preprocessing, class_names), path, options)


def write_onnx(
    network: Exportable, path: Path, options: ExportOptions, *, max_file_size: int = MAX_FILE
) -> ExportedFile:
    """`to_onnx` of a network that is known. A file of more than `max_file_size` bytes has its arrays beside it."""
    import onnx

    from zoo.export.onnx_frames import with_frames

    path = replaced_file(path)
    _check_name(path)
    check_batches(network, options)
    check_can_run(network, checked_shapes(options, network.image_shape, ANY_SIZE))
    model = _converted(network, options)
    if options.preprocess == "full" and network.preprocessing:
        model = with_frames(model, network.preprocessing)
    onnx.helper.set_model_props(model, as_texts(metadata(network, options)))
    shapes = checked_batches(network, options, ANY_SIZE)
    with replacing_with_others(path) as unfinished:
        others = _save(model, unfinished, max_file_size)
        served, runtime = open_onnx(unfinished, network.name)
        check = check_file(served, network, options, shapes, runtime)
    return ExportedFile(path, tuple(path.with_name(other.name) for other in others), check)


def _check_name(path: Path) -> None:
    """Raises ZooError for bytes in the path that are no text: libraries of ONNX cannot open it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ZooError(f"{path} is not in UTF-8: libraries of ONNX open no such file, choose another name") from None


def data_path(path: Path) -> Path:
    """Where the arrays of an ONNX file are that would be too large."""
    return path.with_name(f"{path.name}.data")


def _converted(network: Exportable, options: ExportOptions) -> "onnx.ModelProto":
    """The model. Raises ZooError for what has no form in ONNX, or none for any image size where that is asked for."""
    from zoo.export.onnx.convert import onnx_model

    # Runtimes have no convolutions of bfloat16: the file's kernels are, and its computation is in float32.
    only_stored = options.dtype == "bfloat16"
    computed = replace(options, dtype="float32") if only_stored else options
    if options.preprocess == "full":
        computed = replace(computed, preprocess="normalize")
    stored_dtype = jnp.bfloat16 if only_stored else None
    function = network_function(network, computed)
    variables = stored_variables(network.variables, computed)
    if "images" in options.features:
        raise ZooError("images is the input of an ONNX file, and would be an output: give that layer another name")
    # Only some sizes, as in StableHLO, cannot be: ONNX Runtime would compute something else for the others.
    examples = example_shapes(options, network.image_shape)
    dtype = np.dtype(options.input_dtype)
    return onnx_model(function, variables, examples, input_dtype=dtype, stored_dtype=stored_dtype)


def _save(model: "onnx.ModelProto", path: Path, max_file_size: int) -> list[Path]:
    """Write and check the file; the others that belong to it."""
    import onnx

    arrays = sum(len(array.raw_data) for array in model.graph.initializer)
    if arrays <= max_file_size:
        onnx.save_model(model, path)
    else:
        onnx.save_model(
            model,
            path,
            save_as_external_data=True,
            all_tensors_to_one_file=True,
            location=data_path(path).name,
            size_threshold=1024,
        )
    onnx.checker.check_model(str(path), full_check=True)
    return [data_path(path)] if arrays > max_file_size else []
