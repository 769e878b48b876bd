"""Every exported file is compared with its network before it is put in place, on random images."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.export.batch_shapes import BatchShape
from zoo.export.exportable import Exportable
from zoo.export.network_function import network_function
from zoo.export.options import ExportOptions
from zoo.runtime.compiler_options import compiler_options

Outputs = Mapping[str, np.ndarray]
# Images to the outputs of the exported file.
Served = Callable[[np.ndarray], Outputs]

MAX_FLOAT32_ERROR = 1e-4
# The largest relative error of types with fewer digits, in units of their precision: rounding errors of many layers.
MAX_HALF_EPSILONS = 16


@dataclass(frozen=True)
class Check:
    """The largest relative error of a file on random batches of these shapes, and what computed it."""

    relative_error: float
    batches: tuple[BatchShape, ...]
    runtime: str

    def __str__(self) -> str:
        shapes = " and ".join("x".join(map(str, shape)) for shape in self.batches)
        return f"relative error {self.relative_error:.1e} on random batches of {shapes} ({self.runtime})"


def max_error(options: ExportOptions) -> float:
    """The largest relative error that is accepted: 1e-4, or 16 times the precision of float16 or bfloat16."""
    return MAX_FLOAT32_ERROR if options.dtype == "float32" else MAX_HALF_EPSILONS * float(jnp.finfo(options.dtype).eps)


def check_file(
    served: Served, network: Exportable, options: ExportOptions, shapes: tuple[BatchShape, ...], runtime: str
) -> Check:
    """Compare what a file gives with the network in float32. Raises ZooError above `max_error`."""
    exact = ExportOptions(preprocess=options.preprocess, softmax=options.softmax, features=options.features)
    # Variables are an argument: XLA would compute with constants while it compiles.
    expected = jax.jit(network_function(network, exact), compiler_options=compiler_options())
    variables = jax.device_put(dict(network.variables))
    generator = np.random.default_rng(0)
    errors = []
    for shape in shapes:
        images = random_images(generator, shape, options.input_dtype)
        errors.append(_largest_error(served(images), jax.device_get(expected(variables, images)), network, options))
    error = _largest(errors)
    if not error <= max_error(options):
        hint = "; if it computes something else for another image size, export it for one" if options.any_size else ""
        raise ZooError(
            f"the exported {network.name} is not the network: its relative error is {error:.2g} ({runtime}), and "
            f"{max_error(options):.2g} is accepted for {options.dtype}; nothing was written{hint}"
        )
    return Check(error, shapes, runtime)


def random_images(generator: np.random.Generator, shape: BatchShape, dtype: str) -> np.ndarray:
    """Noise, in the range of normalised images or of pixels."""
    if dtype == "uint8":
        return generator.integers(0, 256, shape, np.uint8)
    return generator.standard_normal(shape, np.float32)


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of two arrays, relative to the largest expected value; infinite if the shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    difference = np.abs(found.astype(np.float64) - expected).max(initial=0)
    return float(difference / max(np.abs(expected).max(initial=0), np.finfo(np.float32).tiny))


def _largest_error(found: Outputs, expected: Outputs, network: Exportable, options: ExportOptions) -> float:
    if found.keys() != expected.keys():
        raise ZooError(f"the exported {network.name} gives {', '.join(found)}, not {', '.join(expected)}")
    for name, array in expected.items():
        if not np.isfinite(array).all():
            raise ZooError(f"{network.name} has outputs that are not finite ({name}): its weights are damaged")
        if not np.isfinite(found[name]).all() and options.dtype != "float32":
            raise ZooError(f"{network.name} overflows in {options.dtype} ({name}): export in another dtype")
    return _largest(relative_error(np.asarray(found[name]), array) for name, array in expected.items())


def _largest(errors: Iterable[float]) -> float:
    """NaN where one is, which `max` would pass over."""
    return float(np.max(list(errors)))
