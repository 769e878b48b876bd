"""The same network in several libraries: a function that starts one step, and logits to check that they agree."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from nnx_contender import nnx_contender
from plain_flax import GoogLeNet as PlainGoogLeNet
from torch_contenders import torch_autotuned, torch_compiled, torch_eager
from workload import Contender, Workload

import zoo
import zoo.nnx
from zoo.weights import fold_batchnorm, from_torch


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
    return _flax("plain Flax", workload, PlainGoogLeNet(dropout=0.0), _zoo_variables(workload), options={})


def plain_keras(workload: Workload) -> Contender | None:
    """Keras's own layers on its JAX backend, compiled; only for GoogLeNet in float32."""
    if workload.network != "googlenet_tv" or workload.dtype != "float32":
        return None
    import plain_keras

    model = plain_keras.googlenet(dropout=0.0)
    import keras

    plain_keras.load(model, _zoo_variables(workload))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(1e-3, momentum=0.9), loss=loss, jit_compile=True)

    def step() -> Any:
        model.reset_metrics()  # the loss is a mean over the steps since
        return model.train_on_batch(workload.images, workload.labels)

    def infer() -> np.ndarray:
        return model.predict_on_batch(workload.images)

    return Contender("Keras", infer, step if workload.training else infer)


def zoo_nnx(workload: Workload) -> Contender:
    """The zoo's network as a module of NNX."""
    return nnx_contender(workload, zoo.nnx.Network(_network(workload), _zoo_variables(workload)))


CONTENDERS = {
    "zoo": zoo_network,
    "nnx": zoo_nnx,
    "folded": zoo_folded,
    "plain": plain_flax,
    "keras": plain_keras,
    "torch": torch_eager,
    "torch.compile": torch_compiled,
    "torch.max-autotune": torch_autotuned,
}


def _network(workload: Workload) -> Any:
    model = zoo.create_model(workload.network, dtype=jnp.dtype(workload.dtype))
    return model.clone(**{field: 0.0 for field in ("dropout", "stochastic_depth") if hasattr(model, field)})


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
        return forward(variables, images)

    def logits() -> np.ndarray:
        return np.asarray(infer())

    if not workload.training:
        return Contender(name, logits, infer, jax.block_until_ready)
    optimizer = optax.sgd(1e-3, momentum=0.9)
    step = jax.jit(partial(_training_step, model, optimizer), donate_argnums=0, compiler_options=options)
    # Copies, as a step takes those that it is given.
    params, batch_stats = jax.tree.map(jnp.copy, (variables["params"], variables.get("batch_stats", {})))
    state = (params, batch_stats, optimizer.init(params))

    def start() -> jax.Array:
        nonlocal state
        state, loss = step(state, images, labels)
        return loss

    return Contender(name, logits, start, jax.block_until_ready)


def _training_step(model: Any, optimizer: Any, state: tuple, images: jax.Array, labels: jax.Array) -> tuple:
    params, batch_stats, opt_state = state

    def loss_of(params: Any) -> tuple[jax.Array, Any]:
        logits, updated = model.apply(
            {"params": params, "batch_stats": batch_stats},
            images,
            train=True,
            mutable=["batch_stats"],
        )
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        return loss, updated.get("batch_stats", {})

    (loss, batch_stats), gradient = jax.value_and_grad(loss_of, has_aux=True)(params)
    updates, opt_state = optimizer.update(gradient, opt_state, params)
    return (optax.apply_updates(params, updates), batch_stats, opt_state), loss
