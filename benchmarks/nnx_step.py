"""The processor time of a training step under NNX, in three forms, and of Linen's.

PYTHONPATH=. python benchmarks/nnx_step.py --network resnet20_cifar

The network is the same in all forms, with few and small images, so that what is measured is how a step is started: the
difference to Linen's is what NNX adds. The network's own time is in all of them. benchmarks/speed.py
--contenders nnx zoo compares steps of real sizes.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

import zoo
import zoo.nnx
from zoo.models.network import Network

LABELS = jnp.arange(4)
PIXELS = 32


def main() -> None:
    """Print the milliseconds of each form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=("resnet20_cifar", "resnet50"), default="resnet20_cifar")
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    linen = zoo.create_model(args.network)
    variables = zoo.init(linen, jax.random.key(0))
    for name, make in FORMS.items():
        # A copy, as a step takes what it is given.
        step = make(linen, jax.tree.map(jnp.copy, variables))
        print(f"{name:20s} {processor_milliseconds(step, args.steps):6.1f} ms per step", flush=True)


def processor_milliseconds(step: Callable[[], jax.Array], steps: int) -> float:
    """Of one step, the mean of several, after two that compile."""
    for _ in range(2):
        step().block_until_ready()
    start = time.process_time()
    for _ in range(steps):
        step().block_until_ready()
    return (time.process_time() - start) / steps * 1000


def of_linen(linen: Network, variables: dict) -> Callable[[], jax.Array]:
    """A function of parameters, statistics and the optimizer's state."""
    images, optimizer = images_for(linen), optax.sgd(1e-3, momentum=0.9)

    @partial(jax.jit, donate_argnums=0)
    def step(state: tuple) -> tuple[tuple, jax.Array]:
        params, batch_stats, opt_state = state

        def loss_of(params: dict) -> tuple[jax.Array, dict]:
            variables = {"params": params, "batch_stats": batch_stats}
            logits, updated = linen.apply(variables, images, train=True, mutable=["batch_stats"])
            return cross_entropy(logits), updated["batch_stats"]

        (loss, statistics), gradient = jax.value_and_grad(loss_of, has_aux=True)(params)
        updates, opt_state = optimizer.update(gradient, opt_state, params)
        return (optax.apply_updates(params, updates), statistics, opt_state), loss

    params, batch_stats = variables["params"], variables["batch_stats"]
    return carried(step, (params, batch_stats, optimizer.init(params)))


def of_split_state(linen: Network, variables: dict) -> Callable[[], jax.Array]:
    """A function of the split state, as docs/nnx.md has it."""
    objects = network_and_optimizer(linen, variables)
    graph, state = nnx.split(objects)

    @partial(jax.jit, donate_argnums=0)
    def step(state: nnx.State) -> tuple[nnx.State, jax.Array]:
        objects = nnx.merge(graph, state)
        loss = update(images_for(linen), *objects)
        return nnx.state(objects), loss

    return carried(step, state)


def of_cached_objects(linen: Network, variables: dict) -> Callable[[], jax.Array]:
    """`nnx.jit`, which looks at the objects once."""
    return nnx.cached_partial(nnx.jit(partial(update, images_for(linen))), *network_and_optimizer(linen, variables))


def of_objects(linen: Network, variables: dict) -> Callable[[], jax.Array]:
    """`nnx.jit`, which looks at the objects in each step."""
    return partial(nnx.jit(partial(update, images_for(linen))), *network_and_optimizer(linen, variables))


FORMS = {
    "Linen": of_linen,
    "split state": of_split_state,
    "nnx.cached_partial": of_cached_objects,
    "nnx.jit": of_objects,
}


def carried(step: Callable, state: object) -> Callable[[], jax.Array]:
    """The step from the state that the last one left; returns the loss."""

    def run() -> jax.Array:
        nonlocal state
        state, loss = step(state)
        return loss

    return run


def network_and_optimizer(linen: Network, variables: dict) -> tuple[zoo.nnx.Network, nnx.Optimizer]:
    """The two objects that a step changes."""
    model = zoo.nnx.Network(linen, variables)
    model.train()
    return model, nnx.Optimizer(model, optax.sgd(1e-3, momentum=0.9), wrt=nnx.Param)


def update(images: jax.Array, model: zoo.nnx.Network, optimizer: nnx.Optimizer) -> jax.Array:
    """One step; returns the loss."""
    loss, gradient = nnx.value_and_grad(lambda model: cross_entropy(model(images)))(model)
    optimizer.update(model, gradient)
    return loss


def cross_entropy(logits: jax.Array) -> jax.Array:
    """The mean over the images."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, LABELS).mean()


def images_for(linen: Network) -> jax.Array:
    """Small images with as many channels as the network's."""
    return jax.random.normal(jax.random.key(0), (len(LABELS), PIXELS, PIXELS, linen.image_shape[-1]))


if __name__ == "__main__":
    main()
