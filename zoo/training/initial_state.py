"""The state that a run begins with, or that it goes on from."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from rich.console import Console

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.registry import create_model
from zoo.runtime.console import tell
from zoo.runtime.jit_once import jit_once
from zoo.training.augment.augmentation import Augmentation
from zoo.training.checkpoint.checkpoints import abstract_like, check_room, restore
from zoo.training.checkpoint.checksums import Position
from zoo.training.checkpoint.run_folder import RunConfig, RunFolder
from zoo.training.config.recipe import Recipe
from zoo.training.config.run_options import RunOptions
from zoo.training.distributed import state_sharding, together
from zoo.training.feed import Feed
from zoo.training.finetune.freezing import frozen_parameters, head_parameters
from zoo.training.finetune.pretrained_backbone import begun_with
from zoo.training.muon import grouped_kernels
from zoo.training.optimizer import make_optimizer
from zoo.training.step import TrainState, create_state

Backbone = Mapping[str, jax.Array | np.ndarray]
NOTHING: Backbone = MappingProxyType({})


def build_network(config: RunConfig) -> Network:
    """The run's network, with as many outputs as its data has classes."""
    seen = {"image_shape": config.preprocessing.image_shape, "dtype": jnp.dtype(config.recipe.dtype)}
    return create_model(config.model, **config.network_fields(), **seen)


def begin(
    config: RunConfig,
    folder: RunFolder,
    feed: Feed,
    mesh: Mesh,
    steps_per_epoch: int,
    options: RunOptions,
    resume: bool,
    backbone: Backbone,
    console: Console,
) -> tuple[TrainState, Feed, Position]:
    """The state and the feed before the next step, and the position that was saved with them, {} with none.

    They are those of a new run, or with `resume` of the latest checkpoint. A run that was stopped before its first
    checkpoint begins again. Raises ZooError where the disk has no room for the run's checkpoints, or pretrained
    variables are wanted and there are none.
    """
    if not resume:
        check_backbone(config, backbone)
    make = state_maker(config, steps_per_epoch)
    key = jax.random.key(config.recipe.seed)
    shapes = jax.eval_shape(make, key, {})
    sharding = state_sharding(shapes, mesh, fsdp=options.fsdp)
    with together():
        check_room(folder, shapes, min(options.keep, config.recipe.epochs))
    if resume:
        if found := restore(folder, abstract_like(shapes, sharding), console):
            state, position = found
            # Earlier runs kept the position of the feed alone.
            position = position if "feed" in position else {"feed": position}
            return state, feed.at(position["feed"]), position
        tell(console, f"no checkpoint in {folder.steps}: the run begins again")
        check_backbone(config, backbone)
    return jit_once(make, out_shardings=sharding)(key, dict(backbone)), feed, {}


def check_backbone(config: RunConfig, backbone: Backbone) -> None:
    """Raises ZooError where the run is to begin with pretrained variables and there are none."""
    if config.pretrained is not None and not backbone:
        raise ZooError("the configuration is of a run that begins with pretrained weights: give them as `backbone`")


def state_maker(config: RunConfig, steps_per_epoch: int) -> Callable[[jax.Array, Backbone], TrainState]:
    """A function of a key and pretrained variables, by their keys, that makes the state before the first step."""
    recipe, seen = config.recipe, config.preprocessing
    network = build_network(config)
    muon = recipe.optimizer == "muon"
    head = head_parameters(network) if muon or recipe.backbone_rate != 1 else frozenset()
    optimizer = make_optimizer(recipe, steps_per_epoch, head, grouped_kernels(network) if muon else {})
    frozen = frozen_parameters(network, recipe.freeze)

    def make(key: jax.Array, backbone: Backbone) -> TrainState:
        init_key, key = jax.random.split(key)
        return create_state(
            network,
            optimizer,
            begun_with(network.init(init_key, jnp.zeros((1, *seen.image_shape))), backbone),
            key,
            mean=seen.mean,
            std=seen.std,
            aux_weight=recipe.aux_weight,
            label_smoothing=recipe.label_smoothing,
            augmentation=augmentation_of(recipe),
            frozen=frozen,
            ema=recipe.ema,
        )

    return make


def augmentation_of(recipe: Recipe) -> Augmentation:
    """What the recipe asks to change of the training images."""
    return Augmentation(
        crop=recipe.crop,
        shift=recipe.shift,
        flip=recipe.flip,
        trivial=recipe.trivial_augment,
        erase=recipe.erase,
        mixup=recipe.mixup,
        cutmix=recipe.cutmix,
    )
