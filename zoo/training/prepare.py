"""From what a caller asks for to a run that can start: the same for the command and for `zoo.train`."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from jax.errors import JaxRuntimeError
from rich.console import Console

from zoo.data import Dataset, UnreadableImages
from zoo.data.batches import in_memory
from zoo.data.data_changes import as_remembered
from zoo.errors import ZooError
from zoo.runtime.console import print_line
from zoo.training.checkpoint.folder_lock import lock_folder
from zoo.training.checkpoint.run_folder import RunFolder, saved_steps
from zoo.training.config.run_config import RunConfig
from zoo.training.config.run_options import RunOptions
from zoo.training.distributed import fail_on_all_processes, is_first, same_everywhere
from zoo.training.finetune.pretrained_backbone import backbone_of
from zoo.training.first_lines import print_data, print_run, print_source, print_type
from zoo.training.initial_state import build_network
from zoo.training.loop import Outcome, check_run, train_run
from zoo.training.plan.dry_run import dry_run
from zoo.training.plan.run_plan import RunPlan
from zoo.training.prepared_run import PreparedRun
from zoo.training.resolve_config import open_weights, resolve_config
from zoo.training.resume_config import ResumeRequest, check_same_weights, describe_changes, resume_config
from zoo.training.run_request import RunRequest
from zoo.training.schedule import check_rows
from zoo.weights import Weights
from zoo.weights.hash_variables import hash_variables
from zoo.weights.pretrained import absolute_name

OUT_OF_MEMORY = (
    "the device is out of memory: use a smaller --batch-size (with --accumulate in its place) or --image-size, "
    "--dtype bfloat16, or more devices and --fsdp"
)


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
    print_type(request, config, console)
    return PreparedRun(
        config=config,
        dataset=request.dataset,
        folder=folder,
        backbone=backbone,
        resume=request.resume,
        options=options,
    )


def check_same_run(run: PreparedRun) -> None:
    """Raises ZooError, in all processes, where one has other settings or data than the first: they would not meet."""
    data = dataclasses.replace(run.config.data, path="")
    config, options = dataclasses.replace(run.config, data=data), dataclasses.replace(run.options, workers=0)
    if not same_everywhere(repr((config, options))):
        raise ZooError(
            "the processes have different settings or data: start the same command in each, but for --process"
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
    check_same_run(run)
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
