"""What is measured: a network with the same weights and images in several libraries, which must compute the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import zoo
from zoo.models.variables import init_shapes
from zoo.weights import to_torch

# Our name: torchvision's.
NETWORKS = {
    "googlenet_tv": "googlenet",
    "resnet50": "resnet50",
    "inception_v3": "inception_v3",
    "mobilenet_v2": "mobilenet_v2",
    "convnext_tiny": "convnext_tiny",
    "vgg16": "vgg16",
    "alexnet": "alexnet",
    "resnet18": "resnet18",
}
# How far logits may differ, relative to their deviation, and losses, relative to what an update does to them. In
# bfloat16 GoogLeNet's loss after an update by 32 images of 64 pixels differs by 3 % of that, by 8 images by 32 %.
TOLERANCES = {"float32": (1e-3, 0.01), "TensorFloat-32": (0.05, 0.1), "bfloat16": (0.1, 0.3)}


@dataclass(frozen=True)
class Workload:
    """What is measured: a network, its weights by torchvision's keys, images [b, h, w, 3] and labels [b].

    `dtype` is that of the computation; weights and logits are float32.
    """

    network: str
    state: Mapping[str, Any]
    images: np.ndarray
    labels: np.ndarray
    training: bool
    dtype: str = "float32"


@dataclass(frozen=True)
class Contender:
    """One library's network.

    `start` starts one training step or one inference, and returns the step's loss or the logits, which may not be
    computed yet: `wait` waits for them. `logits` does inference with the initial weights: call it before `start`.
    Dropout and stochastic depth are off, so that all contenders have the same loss.
    """

    name: str
    logits: Callable[[], np.ndarray]
    start: Callable[[], Any]
    wait: Callable[[Any], Any] = lambda result: result

    def run(self, times: int = 1) -> None:
        """Start so many runs, one after the other, and wait for the last."""
        for _ in range(times):
            result = self.start()
        self.wait(result)


def make_workload(
    network: str, batch_size: int, training: bool, dtype: str = "float32", image_size: int | None = None
) -> Workload:
    """He's initial values, random images, and random labels.

    The initial values of torchvision's networks would leave little to compare: those of its GoogLeNet make
    activations of 1e-11, and those of ConvNeXt blocks of 1e-6. Nor would noise without structure: to a network all
    images of it are nearly the same.
    """
    size, rng = image_size or zoo.model_info(network).input_size, np.random.default_rng(0)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), init_shapes(zoo.create_model(network)))
    state = {key: he_values(rng, key, array) for key, array in to_torch(network, zeros).items()}
    images = random_images(rng, batch_size, size)
    return Workload(network, state, images, rng.integers(0, 1000, batch_size), training, dtype)


def random_images(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """float32 [count, size, size, 3]: each has a colour of its own, coarse squares and fine noise."""
    colour, coarse, fine = (rng.standard_normal((count, side, side, 3), np.float32) for side in (1, 8, size))
    squares = np.arange(size) * 8 // size
    return colour + coarse[:, squares][:, :, squares] + 0.5 * fine


def he_values(rng: np.random.Generator, key: str, array: np.ndarray) -> np.ndarray:
    """Initial values for the variable that torchvision calls `key`; scales and variances are near one, biases near 0.

    Kernels [out, in, ...] are normal with the variance 2 / fan-in (He et al., arXiv:1502.01852).
    """
    last = key.rpartition(".")[2]
    if array.ndim == 1 or last == "layer_scale":
        if last in ("weight", "running_var", "layer_scale"):
            return rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
        return 0.1 * rng.standard_normal(array.shape, np.float32)
    return rng.standard_normal(array.shape, np.float32) * np.float32(np.sqrt(2 / np.prod(array.shape[1:])))


def tolerances(dtype: str) -> tuple[float, float]:
    """Those of logits and of losses. Elsewhere than on a CPU, float32 is multiplied as TensorFloat-32."""
    return TOLERANCES["TensorFloat-32" if dtype == "float32" and jax.default_backend() != "cpu" else dtype]


def check_same(contenders: Sequence[Contender], tolerance: float) -> float:
    """How far logits differ at most from the first contender's (root mean square), relative to their deviation.

    Raises RuntimeError for more than `tolerance`. The deviation is that over the images, and over the classes where
    there is one image. Logits that do not depend on the image would prove nothing: they are refused too.
    """
    first, expected = contenders[0], np.asarray(contenders[0].logits(), np.float64)
    deviation = expected.std(axis=0).mean() if len(expected) > 1 else expected.std()
    if not deviation > 1e-3 * np.abs(expected).max():
        raise RuntimeError(
            f"the logits of {first.name} are up to {np.abs(expected).max():.1e} and deviate by {deviation:.1e} from "
            "image to image: comparing them proves nothing"
        )
    largest = 0.0
    for other in contenders[1:]:
        difference = np.sqrt(((expected - other.logits()) ** 2).mean()) / deviation
        if not difference < tolerance:
            raise RuntimeError(
                f"{other.name} does not compute what {first.name} does: logits differ by {difference:.1e} of their "
                "deviation"
            )
        largest = max(largest, float(difference))
    return largest


def check_same_training(contenders: Sequence[Contender], tolerance: float) -> float:
    """Take two steps with each contender, and compare the losses as `check_losses` does."""
    return check_losses([(contender.name, first_losses(contender)) for contender in contenders], tolerance)


def first_losses(contender: Contender) -> tuple[float, float]:
    """The losses of the next two steps: the second is that after an update."""
    return float(contender.start()), float(contender.start())


def check_losses(losses: Sequence[tuple[str, tuple[float, float]]], tolerance: float) -> float:
    """How far losses before and after an update differ at most from those of the first contender.

    It is relative to what the update does to them. Raises RuntimeError for more than `tolerance`.
    """
    (first, (before, after)), *others = losses
    change = abs(after - before)
    if not change > 0:
        raise RuntimeError(f"a step of {first} does not change the loss, {before:.4g}")
    largest = 0.0
    for name, found in others:
        difference = max(abs(found[0] - before), abs(found[1] - after)) / change
        if not difference < tolerance:
            raise RuntimeError(
                f"{name} does not train as {first} does: losses {found[0]:.6g} and, after a step, {found[1]:.6g}, not "
                f"{before:.6g} and {after:.6g}"
            )
        largest = max(largest, difference)
    return largest
