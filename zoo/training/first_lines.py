"""What a run prints before it starts: its data, its recipe and where that is from, and what is particular about it."""

from collections import Counter
from collections.abc import Sequence

import jax
from rich.console import Console

from zoo.data import Dataset
from zoo.data.inspection.lines import two_lines
from zoo.data.inspection.survey import BRIEF, survey
from zoo.registry import model_info
from zoo.runtime.console import print_line, print_note_once
from zoo.runtime.huge_pages import lacks_huge_pages
from zoo.runtime.notebook import in_ipython, shown_in_notebook
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.computing_type import describe_type, this_platform
from zoo.training.config.choose_recipe import choose_recipe, describe_recipe
from zoo.training.config.network_settings import unused_in_network
from zoo.training.config.recipe import Recipe
from zoo.training.config.recipe_settings import recipe_settings, recipe_table
from zoo.training.config.run_config import RunConfig
from zoo.training.learning_rate import describe_rate
from zoo.training.prepared_run import PreparedRun
from zoo.training.run_request import RunRequest

# docs/performance.md has the measurement.
SLOWER_IN_NOTEBOOK = (
    "training large networks takes a quarter longer in this process, which has no huge pages: start Jupyter with "
    "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 in its environment, or train with !zoo train"
)


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


def print_type(request: RunRequest, config: RunConfig, console: Console) -> None:
    """Print in which type the run computes, where that may be another one than expected."""
    asked = request.recipe.dtype if request.recipe else request.overrides.get("dtype", "auto")
    lines = describe_type(
        config.recipe.computing_type,
        this_platform(),
        resumed=request.resume,
        auto=asked == "auto",
        own_network=not model_info(config.model).source,
    )
    for line in lines:
        print_line(console, line)


def print_run(run: PreparedRun, console: Console) -> None:
    """Print the network, the size of its images, and the recipe; in a notebook what of it differs from the default."""
    config = run.config
    shape = "x".join(map(str, config.preprocessing.image_shape))
    tested = "x".join(map(str, config.eval_preprocessing.image_shape))
    sizes = f"{shape} pixels" if tested == shape else f"{shape} pixels, in evaluation {tested}"
    where = f"run folder {run.folder.path}" if isinstance(run.folder, RunFolder) else "nothing is written"
    print_line(console, f"{config.model} on {config.dataset}: {sizes}; {where}")
    for line in (*recipe_lines(config.recipe), *describe_rate(config.recipe)):
        print_line(console, line)
    if in_ipython() and not console.quiet and jax.default_backend() == "cpu" and lacks_huge_pages():
        print_note_once(SLOWER_IN_NOTEBOOK)
    if jax.default_backend() != "cpu" or jax.process_count() > 1:
        print_line(console, f"devices: {describe_devices(jax.devices(), jax.process_count())}")
    if run.options.fsdp and jax.device_count() == 1:
        print_line(console, "--fsdp has no effect on one device")


def recipe_lines(recipe: Recipe) -> list[str]:
    """The recipe as a table, in a notebook as a line of what differs from the general default."""
    if not shown_in_notebook():
        return ["recipe: a star is before what differs from the general default", *recipe_table(recipe)]
    changed = ", ".join(f"{one.name} {one.value}" for one in recipe_settings(recipe) if one.changed)
    return [f"recipe: {changed or 'the general default'} (all settings: zoo.training.Recipe)"]


def describe_devices(devices: Sequence[jax.Device], processes: int) -> str:
    """Which devices a run has, over how many processes: a process may see fewer than there are."""
    over = f" of {processes} processes" if processes > 1 else ""
    kinds = Counter(device.device_kind for device in devices)
    return f"{', '.join(f'{count} x {kind}' for kind, count in kinds.items())}{over}"
