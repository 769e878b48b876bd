"""A network as StableHLO: a file of `jax.export`, which JAX reads without zoo, and its metadata beside it as JSON."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jaxlib
import numpy as np
from jax import export

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.export.batch_shapes import ImageShape, sizes_text
from zoo.export.check import Served, check_file
from zoo.export.exportable import Exportable, exportable
from zoo.export.exported_file import ExportedFile, check_batches, check_path, checked_batches
from zoo.export.metadata import metadata
from zoo.export.needed_computation import needed_computation
from zoo.export.network_function import network_function, stored_variables
from zoo.export.options import DEFAULT_OPTIONS, ExportOptions
from zoo.export.symbolic_images import possible_shapes
from zoo.models.variables import Variables
from zoo.printable import one_line, shown_bytes
from zoo.runtime.atomic_files import replaced_file, replacing_with_others
from zoo.runtime.home_folder import expand_home
from zoo.weights import Weights

# A file runs on each of them.
PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
# Offsets in a file have 32 bits.
MAX_FILE = 2**31 - 2**20


def to_stablehlo(
    model: nn.Module | Weights,
    variables: Variables | None = None,
    path: str | Path = "",
    *,
    image_shape: ImageShape | None = None,
    preprocessing: Preprocessing | None = None,
    class_names: tuple[str, ...] = (),
    options: ExportOptions = DEFAULT_OPTIONS,
) -> ExportedFile:
    """Write a network for `jax.export.deserialize`, for CPUs, GPUs and TPUs, and `path`.json with its metadata.

    `model` is any Linen module with its `variables`, or weights, which have them: `to_stablehlo(weights, path=...)`.
    `image_shape` is (height, width, channels), by default the network's own. `preprocessing` and `class_names` are
    those of weights, where they are not given. An existing file is replaced, after the new one was compared with the
    network on random images. Raises ZooError where the network cannot be exported so, is not what the file computes,
    or the file cannot be written; then nothing is left behind.
    """
    path = expand_home(path)
    check_path(path)
    return write_stablehlo(exportable(model, variables, image_shape, preprocessing, class_names), path, options)


def write_stablehlo(network: Exportable, path: Path, options: ExportOptions) -> ExportedFile:
    """`to_stablehlo` of a network that is known."""
    path = replaced_file(path)
    check_batches(network, options)
    contents, described, step = _exported(network, options)
    shapes = checked_batches(network, options, step)
    with replacing_with_others(path) as unfinished:
        sidecar = metadata_path(unfinished)
        unfinished.write_bytes(contents)
        sidecar.write_text(json.dumps(metadata(network, options) | described, indent=1) + "\n", encoding="utf-8")
        check = check_file(_served(unfinished), network, options, shapes, f"jax {jax.__version__}")
    return ExportedFile(path, (metadata_path(path),), check)


def metadata_path(path: Path) -> Path:
    """Where the metadata of a StableHLO file are."""
    return path.with_name(f"{path.name}.json")


def _exported(network: Exportable, options: ExportOptions) -> tuple[bytes, dict[str, Any], int]:
    """The file, what it takes and gives, and the step between the image sizes that it takes."""
    variables = stored_variables(network.variables, options)
    if (size := sum(leaf.nbytes for leaf in jax.tree.leaves(variables))) > MAX_FILE:
        raise ZooError(
            f"{network.name} takes {shown_bytes(size)}, and StableHLO files have at most 2 GiB: use another dtype"
        )
    function = partial(network_function(network, options), variables)
    images, exported, step = _first_possible(function, network, options)
    outputs = jax.tree.unflatten(exported.out_tree, exported.out_avals)
    described = {
        "input": _described(images),
        "outputs": {name: _described(aval) for name, aval in outputs.items()},
        "platforms": list(PLATFORMS),
        "jax_version": jax.__version__,
        "jaxlib_version": jaxlib.__version__,
        "calling_convention_version": exported.calling_convention_version,
    }
    if step > 1:
        described["image_sizes"] = sizes_text(network.image_shape, step)
    return bytes(exported.serialize()), described, step


def _first_possible(function: Any, network: Exportable, options: ExportOptions) -> tuple[Any, export.Exported, int]:
    """The images with the most freedom for which the network can be exported, and the step between their sizes."""
    errors = []
    for shape, step in possible_shapes(network, options):
        images = jax.ShapeDtypeStruct(shape, options.input_dtype)
        try:
            with _without_source_paths():
                exported = export.export(jax.jit(needed_computation(function, images)), platforms=PLATFORMS)
                return images, exported(images), step
        except MemoryError:
            raise
        except Exception as error:  # of any class: the code of a network need not know that a size may be a variable
            errors.append(error)
    free = "any size" if options.any_size else "any batch size" if options.batch is None else ""
    what = f" for {free}: export it for one" if free else ""
    raise ZooError(f"{network.name} cannot be exported as StableHLO{what} ({one_line(errors[-1])})") from errors[-1]


@contextmanager
def _without_source_paths() -> Iterator[None]:
    """Programs have no names of source files within this context: those are paths of this machine."""
    limit = jax.config.values["jax_traceback_in_locations_limit"]
    jax.config.update("jax_traceback_in_locations_limit", 0)
    try:
        yield
    finally:
        jax.config.update("jax_traceback_in_locations_limit", limit)


def _described(array: Any) -> dict[str, Any]:
    """The shape and type; free dimensions by their names."""
    return {"shape": [side if isinstance(side, int) else str(side) for side in array.shape], "dtype": str(array.dtype)}


def _served(path: Path) -> Served:
    """What a program without zoo does with the file."""
    exported = export.deserialize(bytearray(path.read_bytes()))

    def call(images: np.ndarray) -> Mapping[str, np.ndarray]:
        return jax.device_get(exported.call(images))

    return call
