"""The same network in several libraries: each contender is a function that runs once, and the logits that prove it."""

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
    "vgg16": "vgg16",
    "alexnet": "alexnet",
}


@dataclass(frozen=True)
class Contender:
    """One library's network. `run` does one training step, or one inference, and waits for its end.

    `logits` computes those of inference with the weights that all contenders begin with: call it before `run`.
    """

    name: str
    logits: Callable[[], np.ndarray]
    run: Callable[[], Any]


@dataclass(frozen=True)
class Setting:
    """What is measured: a network, its weights by torchvision's keys, images [b, h, w, 3] and labels [b].

    `dtype` is of the computation; weights and logits are float32.
    """

    network: str
    state: Mapping[str, Any]
    images: np.ndarray
    labels: np.ndarray
    training: bool
    dtype: str = "float32"


def ours(setting: Setting) -> Contender:
    """The zoo's network."""
    return _flax("zoo", setting, _network(setting), _converted(setting))


def folded(setting: Setting) -> Contender | None:
    """The zoo's network in inference, batch norm folded into the convolutions; None where there is none to fold."""
    if setting.training:
        return None
    try:
        variables = fold_batchnorm(setting.network, _converted(setting))
    except zoo.ZooError:
        return None
    return _flax("zoo, folded", setting, _network(setting), variables)


def plain_flax(setting: Setting) -> Contender | None:
    """Flax's own layers as in any tutorial; of GoogLeNet alone, in float32."""
    if setting.network != "googlenet_tv" or setting.dtype != "float32":
        return None
    return _flax("plain Flax", setting, PlainGoogLeNet(), _converted(setting), options={})


def plain_keras(setting: Setting) -> Contender | None:
    """Keras's own layers on its JAX backend, compiled; of GoogLeNet alone, in float32."""
    if setting.network != "googlenet_tv" or setting.dtype != "float32":
        return None
    import plain_keras

    model = plain_keras.googlenet()
    import keras

    plain_keras.load(model, _converted(setting))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(1e-3, momentum=0.9), loss=loss, jit_compile=True)

    def step() -> Any:
        return model.train_on_batch(setting.images, setting.labels)

    def infer() -> np.ndarray:
        return model.predict_on_batch(setting.images)

    return Contender("Keras", infer, step if setting.training else infer)


def torch_eager(setting: Setting, compiled: bool = False) -> Contender:
    """torchvision's network, channels last, on a GPU where torch has one, under autocast for bfloat16."""
    import torch

    model = torch_model(setting.network)
    model.load_state_dict({key: torch.as_tensor(np.asarray(value)) for key, value in setting.state.items()})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device, memory_format=torch.channels_last)
    images = torch.from_numpy(setting.images).permute(0, 3, 1, 2).to(device)  # channels last in memory already
    labels = torch.from_numpy(setting.labels).long().to(device)
    typed = torch.autocast(device, torch.bfloat16, enabled=setting.dtype == "bfloat16")
    model.train(setting.training)
    network = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with typed:
            loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def infer() -> np.ndarray:
        with typed:
            return network(images).float().cpu().numpy()

    def logits() -> np.ndarray:
        model.eval()
        found = infer()
        model.train(setting.training)
        return found

    return Contender("torch.compile" if compiled else "torch", logits, step if setting.training else infer)


def torch_compiled(setting: Setting) -> Contender:
    """The same through torch.compile."""
    return torch_eager(setting, compiled=True)


CONTENDERS = {
    "zoo": ours,
    "folded": folded,
    "plain": plain_flax,
    "keras": plain_keras,
    "torch": torch_eager,
    "torch.compile": torch_compiled,
}


def torch_model(network: str) -> Any:
    """torchvision's module without auxiliary heads."""
    heads = {"aux_logits": False, "init_weights": True} if network in ("googlenet_tv", "inception_v3") else {}
    return getattr(torchvision().models, NETWORKS[network])(weights=None, **heads)


@cache
def torchvision() -> Any:
    """The package. Its wheel is for CUDA; beside torch's CPU build it loads once its two operators are declared."""
    import torch

    with contextlib.suppress(RuntimeError):
        return importlib.import_module("torchvision")
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    package = importlib.import_module("torchvision")
    package.operators_declared = operators  # they go with the library object
    return package


def _network(setting: Setting) -> Any:
    return zoo.create_model(setting.network, dtype=jnp.dtype(setting.dtype))


def _converted(setting: Setting) -> dict[str, Any]:
    return from_torch(setting.network, setting.state, "torchvision")


def _flax(
    name: str, setting: Setting, model: Any, variables: dict[str, Any], options: dict[str, Any] | None = None
) -> Contender:
    options = zoo.compiler_options() if options is None else options
    forward = jax.jit(model.apply, compiler_options=options)
    images, labels = jnp.asarray(setting.images), jnp.asarray(setting.labels)
    variables = jax.device_put(variables)

    def infer() -> jax.Array:
        return forward(variables, images).block_until_ready()

    def logits() -> np.ndarray:
        return np.asarray(infer())

    if not setting.training:
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
