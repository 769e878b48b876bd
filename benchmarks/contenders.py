"""The same network in several libraries: a function that runs one step, and logits to check that they agree."""

import contextlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from plain_flax import GoogLeNet as PlainGoogLeNet

import zoo
from zoo.weights import fold_batchnorm, from_torch

# Our name: torchvision's.
NETWORKS = {
    "googlenet_tv": "googlenet",
    "resnet50": "resnet50",
    "inception_v3": "inception_v3",
    "mobilenet_v2": "mobilenet_v2",
    "convnext_tiny": "convnext_tiny",
    "vgg16": "vgg16",
    "alexnet": "alexnet",
}


@dataclass(frozen=True)
class Contender:
    """One library's network. `run` does one training step or one inference and waits until it has finished.

    `logits` does inference with the initial weights, which are the same for all contenders: call it before `run`.
    """

    name: str
    logits: Callable[[], np.ndarray]
    run: Callable[[], Any]


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


def zoo_network(workload: Workload) -> Contender:
    """The zoo's network."""
    return _flax("zoo", workload, _network(workload), _zoo_variables(workload))


def zoo_folded(workload: Workload) -> Contender | None:
    """The zoo's network in inference, batch norm folded into the convolutions; None if it has no batch norm."""
    if workload.training:
        return None
    try:
        variables = fold_batchnorm(workload.network, _zoo_variables(workload))
    except zoo.ZooError:
        return None
    return _flax("zoo, folded", workload, _network(workload).clone(folded=True), variables)


def plain_flax(workload: Workload) -> Contender | None:
    """Flax's own layers, as in a tutorial; only for GoogLeNet in float32."""
    if workload.network != "googlenet_tv" or workload.dtype != "float32":
        return None
    return _flax("plain Flax", workload, PlainGoogLeNet(), _zoo_variables(workload), options={})


def plain_keras(workload: Workload) -> Contender | None:
    """Keras's own layers on its JAX backend, compiled; only for GoogLeNet in float32."""
    if workload.network != "googlenet_tv" or workload.dtype != "float32":
        return None
    import plain_keras

    model = plain_keras.googlenet()
    import keras

    plain_keras.load(model, _zoo_variables(workload))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(1e-3, momentum=0.9), loss=loss, jit_compile=True)

    def step() -> Any:
        return model.train_on_batch(workload.images, workload.labels)

    def infer() -> np.ndarray:
        return model.predict_on_batch(workload.images)

    return Contender("Keras", infer, step if workload.training else infer)


def torch_eager(workload: Workload, compiled: bool = False, channels_last: bool = True) -> Contender:
    """torchvision's network, on a GPU if torch has one, under autocast for bfloat16."""
    import torch

    model = torch_model(workload.network)
    model.load_state_dict({key: torch.as_tensor(np.asarray(value)) for key, value in workload.state.items()})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(device, memory_format=memory_format)
    images = torch.from_numpy(workload.images).permute(0, 3, 1, 2).to(device, memory_format=memory_format)
    labels = torch.from_numpy(workload.labels).long().to(device)
    autocast = torch.autocast(device, torch.bfloat16, enabled=workload.dtype == "bfloat16")
    model.train(workload.training)
    network = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def infer() -> np.ndarray:
        with autocast:
            return network(images).float().cpu().numpy()

    def logits() -> np.ndarray:
        model.eval()
        result = infer()
        model.train(workload.training)
        return result

    return Contender("torch.compile" if compiled else "torch", logits, step if workload.training else infer)


def torch_compiled(workload: Workload) -> Contender:
    """`torch_eager` with torch.compile."""
    return torch_eager(workload, compiled=True)


CONTENDERS = {
    "zoo": zoo_network,
    "folded": zoo_folded,
    "plain": plain_flax,
    "keras": plain_keras,
    "torch": torch_eager,
    "torch.compile": torch_compiled,
}


def torch_model(network: str) -> Any:
    """torchvision's module without auxiliary heads, with random weights."""
    heads = {"aux_logits": False, "init_weights": True} if network in ("googlenet_tv", "inception_v3") else {}
    return getattr(torchvision().models, NETWORKS[network])(weights=None, **heads)


@cache
def torchvision() -> Any:
    """The package. Its wheel is for CUDA: with torch's CPU build it only loads after its two operators are declared."""
    import torch

    with contextlib.suppress(RuntimeError):
        return importlib.import_module("torchvision")
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    package = importlib.import_module("torchvision")
    package.operators_declared = operators  # the operators live as long as this object
    return package


def _network(workload: Workload) -> Any:
    return zoo.create_model(workload.network, dtype=jnp.dtype(workload.dtype))


def _zoo_variables(workload: Workload) -> dict[str, Any]:
    return from_torch(workload.network, workload.state, "torchvision")


def _flax(
    name: str, workload: Workload, model: Any, variables: dict[str, Any], options: dict[str, Any] | None = None
) -> Contender:
    options = zoo.compiler_options() if options is None else options
    forward = jax.jit(model.apply, compiler_options=options)
    images, labels = jnp.asarray(workload.images), jnp.asarray(workload.labels)
    variables = jax.device_put(variables)

    def infer() -> jax.Array:
        return forward(variables, images).block_until_ready()

    def logits() -> np.ndarray:
        return np.asarray(infer())

    if not workload.training:
        return Contender(name, logits, infer)
    optimizer = optax.sgd(1e-3, momentum=0.9)
    step = jax.jit(partial(_training_step, model, optimizer), donate_argnums=0, compiler_options=options)
    state = (variables["params"], variables.get("batch_stats", {}), optimizer.init(variables["params"]), jnp.int32(0))

    def run() -> float:
        nonlocal state
        state, loss = step(state, images, labels)
        return float(loss)

    return Contender(name, logits, run)


def _training_step(model: Any, optimizer: Any, state: tuple, images: jax.Array, labels: jax.Array) -> tuple:
    params, batch_stats, opt_state, count = state

    def loss_of(params: Any) -> tuple[jax.Array, Any]:
        logits, updated = model.apply(
            {"params": params, "batch_stats": batch_stats},
            images,
            train=True,
            rngs={"dropout": jax.random.fold_in(jax.random.key(0), count)},
            mutable=["batch_stats"],
        )
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        return loss, updated.get("batch_stats", {})

    (loss, batch_stats), gradient = jax.value_and_grad(loss_of, has_aux=True)(params)
    updates, opt_state = optimizer.update(gradient, opt_state, params)
    return (optax.apply_updates(params, updates), batch_stats, opt_state, count + 1), loss
