"""A network as a module of NNX: its step is a function of the split state, as Flax advises for speed."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from workload import Contender, Workload

import zoo
from zoo.nnx import Network


def nnx_contender(workload: Workload, model: Network) -> Contender:
    """Steps and logits of the network."""
    images, labels = jnp.asarray(workload.images), jnp.asarray(workload.labels)
    compiled = partial(jax.jit, compiler_options=zoo.compiler_options())
    model_graph, variables = nnx.split(model)
    forward = compiled(lambda state, images: nnx.merge(model_graph, state)(images))

    def logits() -> np.ndarray:
        return np.asarray(forward(variables, images))

    if not workload.training:
        return Contender("zoo, NNX", logits, lambda: forward(variables, images), jax.block_until_ready)
    training = nnx.clone(model)
    training.train()
    graph, state = nnx.split((training, nnx.Optimizer(training, optax.sgd(1e-3, momentum=0.9), wrt=nnx.Param)))

    @partial(compiled, donate_argnums=0)
    def step(state: nnx.State, images: jax.Array, labels: jax.Array) -> tuple[nnx.State, jax.Array]:
        model, optimizer = nnx.merge(graph, state)

        def loss_of(model: Network) -> jax.Array:
            return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

        loss, gradient = nnx.value_and_grad(loss_of)(model)
        optimizer.update(model, gradient)
        return nnx.state((model, optimizer)), loss

    def start() -> jax.Array:
        nonlocal state
        state, loss = step(state, images, labels)
        return loss

    return Contender("zoo, NNX", logits, start, jax.block_until_ready)
