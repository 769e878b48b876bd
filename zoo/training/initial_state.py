"""The state that a run starts with, new or from its latest checkpoint."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from rich.console import Console

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.registry import create_model
from zoo.runtime.console import print_line
from zoo.runtime.jit_once import jit_once
from zoo.training.checkpoint.free_space import check_free_space
from zoo.training.checkpoint.position import Position
from zoo.training.checkpoint.restore import restore
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.checkpoint.saved_state import abstract_like
from zoo.training.class_weights import class_weights_of
from zoo.training.config.run_config import RunConfig
from zoo.training.distributed import fail_on_all_processes
from zoo.training.finetune.freezing import frozen_parameters, head_parameters
from zoo.training.finetune.layer_decay import layer_distances
from zoo.training.finetune.pretrained_backbone import insert_backbone, with_new_head
from zoo.training.muon import grouped_kernels
from zoo.training.optimizer import make_optimizer
from zoo.training.prepared_run import Backbone, PreparedRun
from zoo.training.schedule import max_checkpoints
from zoo.training.state import TrainState, create_state
from zoo.training.state_split import state_sharding


def build_network(config: RunConfig) -> Network:
    """The run's network, with one output per class of its data."""
    return create_model(
        config.model,
        **config.network_fields(),
        image_shape=config.preprocessing.image_shape,
        dtype=jnp.dtype(config.recipe.computing_type),
    )


def initial_state(
    run: PreparedRun, *, mesh: Mesh, steps_per_epoch: int, console: Console
) -> tuple[TrainState, Position]:
    """The state before the next step, on the mesh, and the position that was saved with it.

    A resumed run without a checkpoint starts again. Raises ZooError if the disk has no room for the checkpoints, or
    the configuration names pretrained weights and the run has no backbone.
    """
    make = state_initializer(run.config, steps_per_epoch, class_weights_of(run.config.recipe, run.dataset))
    key = jax.random.key(run.config.recipe.seed)
    shapes = jax.eval_shape(make, key, {})
    sharding = state_sharding(shapes, mesh)
    if not run.resume:
        check_backbone(run)
    with fail_on_all_processes():
        if isinstance(run.folder, RunFolder):
            check_free_space(run.folder, shapes, max_checkpoints(run.config.recipe, run.options, steps_per_epoch))
    if run.resume and isinstance(run.folder, RunFolder):
        if restored := restore(run.folder, abstract_like(shapes, sharding), console):
            return restored
        print_line(console, f"no checkpoint in {run.folder.steps}: the run starts again")
        check_backbone(run)
    return jit_once(make, out_shardings=sharding)(key, dict(run.backbone)), Position()


def check_backbone(run: PreparedRun) -> None:
    """Raises ZooError if the configuration names pretrained weights and the run has no backbone."""
    if run.config.pretrained is not None and not run.backbone:
        raise ZooError("the configuration is that of a run from pretrained weights: give them as `backbone`")


def state_initializer(
    config: RunConfig, steps_per_epoch: int, class_weights: tuple[float, ...] = ()
) -> Callable[[jax.Array, Backbone], TrainState]:
    """A function of a key and pretrained variables, by key, that makes the state before the first step."""
    recipe, preprocessing = config.recipe, config.preprocessing
    network = build_network(config)
    muon = recipe.optimizer == "muon"
    head = head_parameters(network) if muon or recipe.backbone_rate != 1 or recipe.clip_adaptive else frozenset()
    distances = layer_distances(network) if recipe.layer_decay != 1 else {}
    optimizer = make_optimizer(recipe, steps_per_epoch, head, grouped_kernels(network) if muon else {}, distances)
    frozen = frozen_parameters(network, recipe.freeze)

    def initialize(key: jax.Array, backbone: Backbone) -> TrainState:
        init_key, key = jax.random.split(key)
        starting = with_new_head(network) if config.pretrained is not None else network
        variables = starting.init(init_key, jnp.zeros((1, *preprocessing.image_shape)))
        return create_state(
            network,
            optimizer,
            insert_backbone(variables, backbone),
            key,
            mean=preprocessing.mean,
            std=preprocessing.std,
            recipe=recipe,
            frozen=frozen,
            class_weights=class_weights,
        )

    return initialize
