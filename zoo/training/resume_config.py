"""What a resumed run keeps, what may change, and what is refused."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.data import DataOrigin, Dataset
from zoo.data.data_changes import data_changes
from zoo.data.origin import class_changes
from zoo.errors import ZooError
from zoo.models.variables import init_shapes
from zoo.training.check_batch_norms import check_batch_norms
from zoo.training.check_crops import check_crops, check_eval_size
from zoo.training.config.overrides import with_given
from zoo.training.config.recipe import NETWORK_FIELDS, Recipe
from zoo.training.config.recipe_table import named_recipe
from zoo.training.config.run_config import EarlierRecipe, RunConfig
from zoo.training.config.unused_settings import check_used
from zoo.training.initial_state import build_network
from zoo.training.learning_rate import depends_on_epochs
from zoo.training.resolve_config import check_batches, check_shift
from zoo.weights import Weights
from zoo.weights.hash_variables import hash_variables
from zoo.weights.network_fields import field_value
from zoo.weights.pretrained import absolute_name

START_ANEW = "start a new run, with another --run-dir"

# Settings on which no state of a run depends: a step reads them anew.
MAY_CHANGE = frozenset(
    {"epochs", "learning_rate", "schedule", "warmup_epochs", "decay_rate", "decay_epochs", "decay_at", "decay_power"}
    | {"plateau_patience", "rate_batch", "warmup_start", "decay_norms", "batch_norm_momentum", "bn_group"}
    | {"momentum", "nesterov", "rms_epsilon", "weight_decay", "layer_decay", "clip_norm", "clip_adaptive"}
    | {"loss", "label_smoothing", "bce_threshold", "crop_sizes", "eval_size", "eval_crop"}
    | {"aux_weight", "balance", "crop", "shift", "flip", "auto_augment", "randaugment", "randaugment_ops", "dtype"}
    | {"randaugment_std", "randaugment_form", "trivial_augment", "augment_interpolation", "color_jitter", "hue_jitter"}
    | {"lighting", "erase", "erase_area", "erase_noise", "mixup", "cutmix", "mix_per_image"}
)
# Why another setting may not change.
WHY_FIXED = MappingProxyType(
    {
        "batch_size": "steps and epochs are counted in batches",
        "optimizer": "its state is kept",
        "plateau_metric": "the best value so far is of it",
        "backbone_rate": "the optimizer's state depends on it",
        "ema": "the average is a part of the state",
        "ema_every": "the updates of the average are counted by it",
        "accumulate": "updates are counted by it",
        "aux_heads": "the network has them or not",
        "freeze": "the optimizer's state is that of the other parameters",
        "image_size": "the network is trained for it",
        "fit": "the network is trained for it",
        "feed": "it decides the order of the images",
        "repeats": "it decides the order of the images",
        "seed": "it decides the order of the images",
        "batch_norm_warmup": "it is counted from the first step",
        "dropout": "the network is made with it",
        "stochastic_depth": "the network is made with it",
        "layer_scale": "the network is made with it",
    }
)


@dataclass(frozen=True, kw_only=True)
class ResumeRequest:
    """The settings that the command line of a resumed run repeats or changes; None and {} for those that it omits."""

    model: str
    overrides: dict[str, Any]
    recipe_name: str | None = None
    pretrained: str | None = None
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def resume_config(stored: RunConfig, folder: Path, dataset: Dataset, request: ResumeRequest, *, step: int) -> RunConfig:
    """The configuration of the run in `folder`, which is resumed after `step`, with what the request changes.

    The data may be in another place, and the settings of MAY_CHANGE may differ; the recipe until then is kept in
    `earlier`. Raises ZooError where the data or other settings differ, and for what would fail later.
    """
    if stored.model != request.model:
        raise ZooError(f"{folder} holds a run of {stored.model}, not of {request.model}")
    check_same_fields(stored, folder, request)
    check_same_data(stored, folder, dataset)
    check_pretrained(stored, folder, request)
    data = dataclasses.replace(dataset.origin, skip_unreadable=stored.data.skip_unreadable)
    moved = dataclasses.replace(stored, dataset=dataset.name, data=data)
    recipe = changed_recipe(stored, folder, request)
    if recipe == stored.recipe:
        return moved
    check_changes(recipe, stored, dataset, step=step)
    earlier = (*stored.earlier, EarlierRecipe(until_step=step, recipe=stored.recipe)) if step else ()
    return dataclasses.replace(moved, recipe=recipe, earlier=earlier)


def check_same_fields(stored: RunConfig, folder: Path, request: ResumeRequest) -> None:
    """Raises ZooError for another value of a field of the network than the run's."""
    for name, value in request.fields.items():
        then = field_value(stored.model, stored.network_fields(), name)
        if then != value:
            raise ZooError(f"the run in {folder} has {name}={then}, not {value}: {START_ANEW}")


def check_same_data(stored: RunConfig, folder: Path, dataset: Dataset) -> None:
    """Raises ZooError, which says what differs, for another data set than the run's, or one that has changed."""
    then, now = stored.data, dataset.origin
    if not is_same_place(then, now) and (then.kind != "unknown" or stored.dataset != dataset.name):
        was = stored.dataset if then.kind == "unknown" else then.describe()
        raise ZooError(f"{folder} holds a run on {was}, not on {now.describe()}: leave out --dataset to resume it")
    changes = class_changes(stored.class_names, dataset.class_names)
    if changes:
        # A run of an earlier version knows a folder by its name only, which a built-in set may have.
        replace_it = "give the run's own data with --dataset, or " if then.kind == "unknown" else ""
        raise ZooError(
            f"{now.describe()} has other classes than the run in {folder} ({changes}): {replace_it}{START_ANEW}"
        )
    if changes := data_changes(then, dataset):
        raise ZooError(
            f"{now.describe()} has {changes}, so the steps of the run in {folder} would differ: restore the images, or "
            f"{START_ANEW}"
        )


def is_same_place(then: DataOrigin, now: DataOrigin) -> bool:
    """Whether the images may be the same: a folder may have moved, a name of TFDS is the same everywhere."""
    return then.kind == now.kind and then.name == now.name


def check_pretrained(stored: RunConfig, folder: Path, request: ResumeRequest) -> None:
    """Raises ZooError where the run started from other weights than those that are given."""
    given = request.pretrained
    if given is None or given == stored.pretrained:
        return
    if stored.pretrained is None or not _are_same_weights(stored.model, given, stored.pretrained):
        weights = "random weights" if stored.pretrained is None else stored.pretrained or "the default weights"
        raise ZooError(f"the run in {folder} started from {weights}: omit --pretrained to resume it")


def _are_same_weights(model: str, one: str, other: str) -> bool:
    try:
        return absolute_name(model, one) == absolute_name(model, other)
    except ZooError:  # the network has no default weights
        return False


def check_same_weights(config: RunConfig, folder: Path, weights: Weights | None) -> None:
    """Raises ZooError if these are not the weights that the run was to start from."""
    if weights and config.pretrained_sha256 not in ("", hash_variables(weights.variables)):
        name = config.pretrained or f"the default weights of {config.model}"
        raise ZooError(f"the run in {folder} was to start from {name}, which have other values now: {START_ANEW}")


def changed_recipe(stored: RunConfig, folder: Path, request: ResumeRequest) -> Recipe:
    """The run's recipe with the settings that are given. Raises ZooError for one that may not change."""
    first = stored.earlier[0].recipe if stored.earlier else stored.recipe
    if request.recipe_name is not None:
        # `resolve_config` may have replaced these of a named recipe, and the command line others.
        fixed = ("feed", "dtype", "fit", "batch_size", "crop_sizes", "eval_size", *NETWORK_FIELDS)
        resolved = {**{name: getattr(first, name) for name in fixed}, **request.overrides}
        named = with_given(named_recipe(request.recipe_name), resolved)
        _refuse(folder, first, {name: getattr(named, name) for name in _names() if name not in request.overrides})
    given = dict(request.overrides)
    for name in ("feed", "dtype"):
        # It was decided when the run began.
        if given.get(name) == "auto":
            del given[name]
    _refuse(folder, stored.recipe, {name: value for name, value in given.items() if name not in MAY_CHANGE})
    check_same_plateau(stored, folder, given)
    return with_given(stored.recipe, given)


def check_same_plateau(stored: RunConfig, folder: Path, given: Mapping[str, Any]) -> None:
    """Raises ZooError where another schedule is given in place of "plateau", which has a part of the state."""
    then = stored.recipe.schedule
    now = given.get("schedule", then)
    if then != now and "plateau" in (then, now):
        raise ZooError(
            f"the run in {folder} has schedule {then}, and plateau and its best value so far are for a whole run: "
            f"leave out --schedule {now} to resume it, or {START_ANEW}"
        )


def check_changes(recipe: Recipe, stored: RunConfig, dataset: Dataset, *, step: int) -> None:
    """Raises ZooError for changed settings that do not fit the run, or would have no effect."""
    changed = changed_settings(stored.recipe, recipe)
    of_norms = {"batch_norm_momentum", "bn_group"} & set(changed)
    norms = not of_norms or "batch_stats" in init_shapes(build_network(stored))
    grey = stored.preprocessing.image_shape[2] == 1
    check_used(recipe, changed, has_batch_norm=norms, grey=grey)
    check_shift(recipe, stored.preprocessing)
    check_crops(recipe, stored.preprocessing)
    check_eval_size(dataclasses.replace(stored, recipe=recipe))
    check_batches(recipe, dataset)
    if "bn_group" in changed:
        check_batch_norms(build_network(stored), recipe, stored.preprocessing.image_shape)
    steps_per_epoch = len(dataset.train) // recipe.batch_size
    done = step / steps_per_epoch
    if recipe.epochs < done:
        raise ZooError(f"epochs is {recipe.epochs}: the run has {done:.4g} already; give more, or omit --epochs")
    if step and recipe.epochs == done and changed != ["epochs"]:
        others = ", ".join(name for name in changed if name != "epochs")
        raise ZooError(f"{others} would have no effect: all {recipe.epochs} epochs are done; give more --epochs too")


def changed_settings(before: Recipe, after: Recipe) -> list[str]:
    """The names of the settings that differ, in their order."""
    return [name for name in _names() if getattr(before, name) != getattr(after, name)]


def describe_changes(config: RunConfig) -> list[str]:
    """What each change of a run's settings was, and what it means for the learning rate, in a line each."""
    recipes = [*(earlier.recipe for earlier in config.earlier), config.recipe]
    return [
        _describe_change(earlier.until_step, earlier.recipe, after)
        for earlier, after in zip(config.earlier, recipes[1:], strict=True)
    ]


def _describe_change(step: int, before: Recipe, after: Recipe) -> str:
    names = changed_settings(before, after)
    settings = ", ".join(f"{name} {getattr(after, name)} (before: {getattr(before, name)})" for name in names)
    rate = ""
    if "epochs" in names and depends_on_epochs(after):
        rate = f"; the learning rate is from there on that of a run of {after.epochs} epochs"
    return f"after step {step}: {settings}{rate}"


def _refuse(folder: Path, recipe: Recipe, required: dict[str, Any]) -> None:
    """Raises ZooError if the recipe has other values than those."""
    names = [name for name, value in required.items() if getattr(recipe, name) != value]
    if names:
        differing = ", ".join(f"{name} {getattr(recipe, name)} (given: {required[name]})" for name in names)
        why = WHY_FIXED.get(names[0], "it is that of the whole run")
        raise ZooError(
            f"the run in {folder} has {differing}, which cannot change ({why}): omit that to resume it, or {START_ANEW}"
        )


def _names() -> list[str]:
    return [field.name for field in dataclasses.fields(Recipe)]
