"""From what a caller asks for to a run that can start: the same for the command and for `zoo.train`."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.errors import JaxRuntimeError
from rich.console import Console

from zoo.data import Dataset, UnreadableImages
from zoo.data.batches import in_memory
from zoo.data.data_changes import as_remembered
from zoo.data.inspection.lines import two_lines
from zoo.data.inspection.survey import BRIEF, survey
from zoo.errors import ZooError
from zoo.runtime.console import print_line, print_note_once
from zoo.runtime.huge_pages import lacks_huge_pages
from zoo.runtime.notebook import in_ipython
from zoo.training.checkpoint.folder_lock import lock_folder
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.checkpoint.run_memory import RunMemory
from zoo.training.config.choose_recipe import choose_recipe, describe_recipe
from zoo.training.config.network_settings import unused_in_network
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_settings import recipe_table
from zoo.training.config.run_config import RunConfig
from zoo.training.config.run_options import RunOptions
from zoo.training.distributed import fail_on_all_processes, is_first
from zoo.training.finetune.pretrained_backbone import backbone_of
from zoo.training.initial_state import build_network
from zoo.training.learning_rate import describe_rate
from zoo.training.loop import Outcome, check_run, train_run
from zoo.training.plan.dry_run import dry_run
from zoo.training.plan.run_plan import RunPlan
from zoo.training.prepared_run import PreparedRun
from zoo.training.resolve_config import open_weights, resolve_config
from zoo.training.resume_config import ResumeRequest, check_same_weights, describe_changes, resume_config
from zoo.training.schedule import check_rows
from zoo.weights import Weights
from zoo.weights.hash_variables import hash_variables
from zoo.weights.pretrained import absolute_name

OUT_OF_MEMORY = (
    "the device is out of memory: use a smaller --batch-size (with --accumulate in its place) or --image-size, "
    "--dtype bfloat16, or more devices and --fsdp"
)
# docs/performance.md has the measurement.
SLOWER_IN_NOTEBOOK = (
    "training large networks takes a quarter longer in this process, which has no huge pages: start Jupyter with "
    "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 in its environment, or train with !zoo train"
)


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A run as it is asked for: `overrides` are fields of the recipe, in place of those of the named or usual one.

    `recipe` is a whole one, in place of both. `fields` are fields of the network.
    """

    model: str
    dataset: Dataset
    folder: RunFolder | RunMemory
    overrides: Mapping[str, Any] = field(default_factory=dict)
    recipe_name: str | None = None
    recipe: Recipe | None = None
    pretrained: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    options: RunOptions = field(default_factory=RunOptions)


def prepare(request: RunRequest, console: Console, lock: ExitStack) -> PreparedRun:
    """Open the weights and the run folder, and resolve the configuration or read the stored one.

    The first process holds the lock of the folder from before the configuration is read, or the folder made.
    """
    folder = request.folder
    if request.resume and isinstance(folder, RunFolder) and is_first() and folder.path.is_dir():
        lock.enter_context(lock_folder(folder.path))
    run = resolve_run(request, console)
    if run.config.recipe.feed == "resident":
        run = dataclasses.replace(run, dataset=read_dataset(run.dataset, run.config, run.options, console))
    if request.resume and isinstance(folder, RunFolder):
        update_config(folder, run.config, console)
    elif isinstance(folder, RunFolder):
        start_folder(folder, run.config, console, lock)
    return run


def resolve_run(request: RunRequest, console: Console) -> PreparedRun:
    """The run that is asked for, of which nothing is written yet and no image is read."""
    folder = request.folder
    if request.resume and isinstance(folder, RunFolder):
        data = as_remembered(folder.read_config(request.model).data, request.dataset)
        request = dataclasses.replace(request, dataset=data)
        config, weights = resumed_config(request, folder)
    else:
        config, weights = new_config(request)
    config, options = with_unreadable(config, request.options)
    check_rows(config.recipe, options, len(request.dataset.train) // config.recipe.batch_size)
    if weights and weights.source:
        print_line(console, f"pretrained weights: {weights.source}")
    backbone = backbone_of(weights, build_network(config)) if weights else {}
    print_data(request.dataset, config, console)
    if not request.resume:
        print_source(request, config, console)
    return PreparedRun(
        config=config,
        dataset=request.dataset,
        folder=folder,
        backbone=backbone,
        resume=request.resume,
        options=options,
    )


def with_unreadable(config: RunConfig, options: RunOptions) -> tuple[RunConfig, RunOptions]:
    """Both with as many images that may be left out as either says: what was left out once stays left out."""
    number = max(config.data.skip_unreadable, options.skip_unreadable)
    data = dataclasses.replace(config.data, skip_unreadable=number)
    return dataclasses.replace(config, data=data), dataclasses.replace(options, skip_unreadable=number)


def new_config(request: RunRequest) -> tuple[RunConfig, Weights | None]:
    """The configuration of a new run, and the weights that it starts from."""
    overrides = dict(request.overrides)
    weights = open_weights(request.model, overrides, request.pretrained)
    config = resolve_config(
        request.model,
        request.dataset,
        overrides,
        weights=weights,
        recipe_name=request.recipe_name,
        recipe=request.recipe,
        fields=request.fields,
    )
    if weights is None or request.pretrained is None:
        return config, None
    name, sha256 = absolute_name(request.model, request.pretrained), hash_variables(weights.variables)
    return dataclasses.replace(config, pretrained=name, pretrained_sha256=sha256), weights


def resumed_config(request: RunRequest, folder: RunFolder) -> tuple[RunConfig, Weights | None]:
    """The stored configuration with what the request changes, and the weights that it starts from.

    The latter are None if the run has a checkpoint. Raises ZooError where they are others than those of its start.
    """
    overrides = dict(request.overrides)
    stored, steps = folder.read_config(request.model), saved_steps(folder)
    repeated = ResumeRequest(
        model=request.model,
        overrides=overrides,
        recipe_name=request.recipe_name,
        pretrained=request.pretrained,
        fields=request.fields,
    )
    config = resume_config(stored, folder.path, request.dataset, repeated, step=max(steps, default=0))
    if steps:
        return config, None
    weights = open_weights(request.model, overrides, config.pretrained)
    check_same_weights(config, folder.path, weights)
    return config, weights


def read_dataset(dataset: Dataset, config: RunConfig, options: RunOptions, console: Console) -> Dataset:
    """The data set in memory, so that an image that cannot be read is an error before anything is written."""
    unreadable = UnreadableImages(options.skip_unreadable, "--skip-unreadable")
    dataset = in_memory(
        dataset,
        preprocessing=config.preprocessing,
        eval_preprocessing=config.eval_preprocessing,
        unreadable=unreadable,
    )
    if unreadable.count:
        print_line(console, unreadable.describe())
    return dataset


def start_folder(folder: RunFolder, config: RunConfig, console: Console, lock: ExitStack) -> None:
    """Make and lock the run folder in the first process; an earlier run in it is renamed, and a line reports it."""
    if is_first() and (renamed := lock.enter_context(folder.starting(config))):
        print_line(console, f"the earlier run in {folder.path} is now in {renamed}")


def update_config(folder: RunFolder, config: RunConfig, console: Console) -> None:
    """Store what changes at a resume: the place of the data, settings. A line says how the settings change."""
    stored = folder.read_config(config.model)
    if config == stored or not is_first():
        return
    folder.write_config(config)
    if config.earlier != stored.earlier:
        print_line(console, describe_changes(config)[-1])


def print_data(dataset: Dataset, config: RunConfig, console: Console) -> None:
    """Print two lines about the data, before images are read: what will be learned, and what was found in them."""
    if not console.quiet:
        for line in two_lines(survey(dataset, BRIEF), balanced=config.recipe.balance):
            print_line(console, line)
        if dataset.reading and config.recipe.feed == "streamed":
            print_line(console, dataset.reading)


def print_source(request: RunRequest, config: RunConfig, console: Console) -> None:
    """Print where the recipe of a new run is from, and which of its settings the network has no field for."""
    if request.recipe is not None:
        return
    pretrained = config.pretrained is not None
    chosen = choose_recipe(request.model, request.dataset, request.recipe_name, pretrained=pretrained)
    lost = unused_in_network(chosen.recipe, config.recipe, config.model, request.fields)
    for line in (*describe_recipe(chosen, request.dataset), *lost):
        print_line(console, line)


def print_run(run: PreparedRun, console: Console) -> None:
    """Print the network, the size of its images and the whole recipe."""
    config = run.config
    shape = "x".join(map(str, config.preprocessing.image_shape))
    tested = "x".join(map(str, config.eval_preprocessing.image_shape))
    sizes = f"{shape} pixels" if tested == shape else f"{shape} pixels, in evaluation {tested}"
    where = f"run folder {run.folder.path}" if isinstance(run.folder, RunFolder) else "nothing is written"
    print_line(console, f"{config.model} on {config.dataset}: {sizes}; {where}")
    print_line(console, "recipe: a star is before what differs from the general default")
    for line in (*recipe_table(config.recipe), *describe_rate(config.recipe)):
        print_line(console, line)
    if in_ipython() and not console.quiet and jax.default_backend() == "cpu" and lacks_huge_pages():
        print_note_once(SLOWER_IN_NOTEBOOK)
    if run.options.fsdp and jax.device_count() == 1:
        print_line(console, "--fsdp has no effect on one device")


def train_prepared(run: PreparedRun, console: Console) -> Outcome:
    """`train_run`, which raises ZooError where the device has too little memory."""
    with refusing_too_little_memory():
        return train_run(run, console)


def plan_only(request: RunRequest, console: Console) -> RunPlan:
    """The plan of a run that does not start: nothing is written. Raises ZooError as a run would before its first step.

    Images are not read: one that cannot be is not found.
    """
    with fail_on_all_processes():
        run = resolve_run(request, console)
        check_run(run)
    print_run(run, console)
    with refusing_too_little_memory(), fail_on_all_processes():
        return dry_run(run)


@contextmanager
def refusing_too_little_memory() -> Iterator[None]:
    """A context in which what JAX raises where a device has too little memory is a ZooError."""
    try:
        yield
    except JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ZooError(OUT_OF_MEMORY) from None
