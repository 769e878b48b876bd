"""The programs of training runs with the same settings, traced and compiled once for all tests of a process.

They are most of the time of a run of seconds. A resumed run would trace the same ones once more.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

import jax

from zoo.training import initial_state, loop, optimizer


def initializer(made: dict[Hashable, Callable], make: Callable, config, steps_per_epoch, class_weights=()):
    """`state_initializer`, the same function for the same settings: so JAX finds its programs again."""
    network = initial_state.build_network(config)
    # A test replaces the schedule.
    schedule = optimizer.learning_rate_schedule
    key = (network, config.recipe, config.preprocessing, steps_per_epoch, class_weights, schedule)
    if key not in made:
        made[key] = make(config, steps_per_epoch, class_weights)
    return made[key]


def step(made: dict[Hashable, Callable], compile_step: Callable, feed, state, mesh):
    """`compile_step`, the same program for the same kind of feed and state."""
    leaves, tree = jax.tree.flatten(state)
    # A test replaces `batch`.
    key = (tree, tuple(leaf.sharding for leaf in leaves), mesh, type(feed).batch, getattr(feed, "count", 0))
    if key not in made:
        made[key] = compile_step(feed, state, mesh)
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
        mock.patch.object(loop, "compile_step", partial(step, STEPS, loop.compile_step)),
    ):
        yield
