"""The page about a network, put together from its sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flax.linen as nn
import numpy as np

from zoo.errors import ZooError
from zoo.report.architecture.bottleneck import LESSON_BOTTLENECK
from zoo.report.architecture.comparison import compare_networks
from zoo.report.architecture.description import NetworkDescription, describe_network
from zoo.report.html.provenance import CONVENTIONS, versions
from zoo.report.html.rendering import REPORT, REPORT_WITH_LIVE, render
from zoo.report.html.script_data import script_data
from zoo.report.layers.lesson_convolution import lesson_convolutions
from zoo.report.layers.pooling_examples import lesson_pooling, sample_image_pooling
from zoo.report.layers.sample_image import SampleImage, make_sample_image
from zoo.report.live.live_panel import live_colours, live_panel
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar
from zoo.weights import Weights
from zoo.weights.hash_variables import hash_variables

if TYPE_CHECKING:
    from zoo.report.learned.learned_section import LearnedSection
    from zoo.report.run.run_section import RunSection


@dataclass(frozen=True)
class Page:
    """The networks of the page, its sample image, and its weights in words, with their hash ("" without weights)."""

    network: NetworkDescription
    other: NetworkDescription | None
    sample_image: SampleImage
    weights: str
    weights_hash: str

    @property
    def title(self) -> str:
        """The networks' names."""
        return f"{self.network.name} beside {self.other.name}" if self.other else self.network.name


def report(
    model: str | nn.Module | None = None,
    *,
    name: str | None = None,
    image_shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    weights: Weights | None = None,
    weights_name: str = "",
    image_set: ImageSet | None = None,
    run: str | Path | None = None,
    image: np.ndarray | None = None,
    image_name: str = "",
    compare: str | nn.Module | None = None,
    compare_name: str | None = None,
    progress_bar: ProgressBar = no_progress_bar,
) -> str:
    """A page about a network, as HTML that needs no other file.

    Args:
        model: a name of the registry or a Linen module; None with `weights`, which include their network.
        name: the network's name on the page; by default that of the registry or of the class.
        image_shape: (height, width, channels) for which a module is counted; by default its `image_shape`.
        num_classes: the number of classes of a network of the registry, 0 for a network without classifier.
        weights: the page then shows what they have learned, on the images of `image_set` if that is given.
        weights_name: which weights these are, for the page.
        image_set: images that are shown and searched, with their labels.
        run: the run folder of the weights; the page then shows how they were trained.
        image: uint8 [height, width, 1 or 3], the sample image on which receptive fields are drawn; by default the
            first image of `image_set`, or a photograph, or a digit for small grey images.
        image_name: its name on the page.
        compare: a second network, by name or as a module, that is shown beside the first.
        compare_name: its name on the page.
        progress_bar: called as progress_bar(iterable, total=..., description=...); it returns the same items.

    Raises ZooError if the network cannot be counted, or if the run or an image cannot be read.
    """
    network = _describe(model, name, image_shape=image_shape, num_classes=num_classes, weights=weights)
    other = None if compare is None else _describe(compare, compare_name)
    learned, trained_by = _weights_sections(weights, weights_name, image_set, run, progress_bar=progress_bar)
    if image is None and image_set is not None:
        image = image_set.source[0]["image"]
        image_name = image_set.names[0] if image_set.names else image_set.description
    sample_image = make_sample_image(network.counted.image_shape, image, image_name)
    page = Page(
        network=network,
        other=other,
        sample_image=sample_image,
        weights=weights_name or "given",
        weights_hash=hash_variables(weights.variables) if weights else "",
    )
    pooling = sample_image_pooling(network.counted, sample_image.grey), lesson_pooling()
    live = live_panel(TrainedNetwork(weights, page.weights), network.counted, image_set) if weights else None
    return render(
        files=REPORT_WITH_LIVE if live else REPORT,
        live_names=(network.name,) if live else (),
        page=page,
        learned=learned,
        run=trained_by,
        comparison=compare_networks(network, other) if other else None,
        data={**script_data(network), **({"live": {network.name: live}, "colours": live_colours()} if live else {})},
        lesson_convolutions=lesson_convolutions(),
        pooling_examples=tuple(filter(None, pooling)),
        lesson_bottleneck=LESSON_BOTTLENECK,
        conventions=CONVENTIONS,
        versions=versions(),
    )


def write_report(path: str | Path, model: str | nn.Module | None = None, **options: Any) -> None:
    """Write the page that `report` returns for the same arguments, completely or not at all. Raises ZooError."""
    from zoo.runtime.atomic_files import replacing

    text = report(model, **options)
    with replacing(Path(path)) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _describe(
    model: str | nn.Module | None,
    name: str | None,
    *,
    image_shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    weights: Weights | None = None,
) -> NetworkDescription:
    from zoo.registry import create_model, model_info

    # A module gets no record of the registry, even if its class has the name of a registered network.
    info = None
    if weights is not None:
        if model is not None or image_shape is not None or num_classes is not None:
            raise ZooError("weights include their network: leave out model, image_shape and num_classes")
        info = model_info(weights.model)
        name, info = name or info.name, None if info.source else info
        model, image_shape = weights.network(), weights.preprocessing.image_shape
    elif isinstance(model, str):
        info = model_info(model)
        name, info = name or info.name, None if info.source else info
        model = create_model(model, **({} if num_classes is None else {"num_classes": num_classes}))
    elif model is None:
        raise ZooError("no network is given: give the name of a network, a module, or weights")
    elif num_classes is not None:
        raise ZooError("num_classes is for a network of the registry: set it in the module")
    image_shape = image_shape or getattr(model, "image_shape", None)
    if image_shape is None:
        raise ZooError(f"{type(model).__name__} has no image_shape: give image_shape")
    return describe_network(name or (info.name if info else type(model).__name__), model, tuple(image_shape), info)


def _weights_sections(
    weights: Weights | None,
    weights_name: str,
    image_set: ImageSet | None,
    run: str | Path | None,
    *,
    progress_bar: ProgressBar,
) -> tuple[LearnedSection | None, RunSection | None]:
    """The sections about what was learned and about the training run; None for a section that there is not."""
    if weights is None:
        if run is not None:
            raise ZooError("run needs weights: give weights too, such as zoo.training.checkpoint_weights(run)")
        if image_set is not None:
            raise ZooError("image_set needs weights: give weights too, or a single image as image")
        return None, None
    from zoo.report.learned.learned_section import learned_section
    from zoo.report.run.run_section import open_run, run_section

    if run is not None:
        # An error is raised before the network is applied to all images.
        open_run(Path(run))
    trained = TrainedNetwork(weights, weights_name or weights.model)
    learned = learned_section(trained, image_set, progress_bar=progress_bar)
    if run is None:
        return learned, None
    return learned, run_section(Path(run), trained, image_set, learned.predictions, progress_bar=progress_bar)
