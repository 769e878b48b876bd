"""The programs of training runs with the same settings, traced and compiled once for all tests of a process.

They are most of the time of a run of seconds. A resumed run would trace the same ones once more.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

import jax

from zoo.training import compiled_step, initial_state, optimizer


def initializer(made: dict[Hashable, Callable], make: Callable, config, steps_per_epoch, class_weights=()):
    """`state_initializer`, the same function for the same settings: so JAX finds its programs again."""
    network = initial_state.build_network(config)
    # A test replaces the schedule.
    schedule = optimizer.learning_rate_schedule
    key = (network, config.recipe, config.preprocessing, steps_per_epoch, class_weights, schedule)
    if key not in made:
        made[key] = make(config, steps_per_epoch, class_weights)
    return made[key]


def step(made: dict[Hashable, Callable], jit_step: Callable, make_batch, sharding, mesh):
    """`jit_step`, the same function for the same kind of feed and state."""
    feed = getattr(make_batch, "__self__", None)
    if feed is None:
        return jit_step(make_batch, sharding, mesh)
    leaves, tree = jax.tree.flatten(sharding)
    # A test replaces `batch`.
    key = (tree, *leaves, mesh, type(feed).batch, getattr(feed, "batch_size", 0), getattr(feed, "repeats", 1))
    if key not in made:
        made[key] = jit_step(make_batch, sharding, mesh)
    return made[key]


INITIALIZERS: dict[Hashable, Callable] = {}
STEPS: dict[Hashable, Callable] = {}


@contextmanager
def shared_programs() -> Iterator[None]:
    """Runs within it share their programs."""
    with (
        mock.patch.object(
            initial_state, "state_initializer", partial(initializer, INITIALIZERS, initial_state.state_initializer)
        ),
        mock.patch.object(compiled_step, "jit_step", partial(step, STEPS, compiled_step.jit_step)),
    ):
        yield
