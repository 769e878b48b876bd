"""The page of a network, from its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flax.linen as nn
import numpy as np

from zoo.errors import ZooError
from zoo.report.architecture.bottleneck import LESSON
from zoo.report.architecture.comparison import comparison
from zoo.report.architecture.description import Described, described
from zoo.report.html.provenance import CONVENTIONS, tree_hash, versions
from zoo.report.html.rendering import render
from zoo.report.layers.lesson_example import lesson_example
from zoo.report.layers.pooling import lesson_pool, sample_pool
from zoo.report.layers.sample_image import Sample, sample
from zoo.report.layers.script_data import script_data
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar
from zoo.weights import Weights


@dataclass(frozen=True)
class Page:
    """What the template is given of the networks. `weights` is a line about them, "" without any."""

    of: Described
    other: Described | None
    sample: Sample
    weights: str
    weights_hash: str

    @property
    def title(self) -> str:
        """The networks' names."""
        return f"{self.of.name} beside {self.other.name}" if self.other else self.of.name


def report(
    model: str | nn.Module | None = None,
    *,
    name: str | None = None,
    image_shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    weights: Weights | None = None,
    about: str = "",
    pictures: ImageSet | None = None,
    run: str | Path | None = None,
    image: np.ndarray | None = None,
    image_name: str = "",
    compare: str | nn.Module | None = None,
    compare_name: str | None = None,
    track: ProgressBar = no_progress_bar,
) -> str:
    """A page about a network, as HTML in one piece.

    `model` is a name of the registry or a Linen module, or None with `weights`, which know theirs; `name` is what the
    page calls it, `image_shape` (height, width, channels) what it is counted for, by default its own, and `num_classes`
    that of a network of the registry, 0 for none. A name, or weights, bring their paper. With `weights`
    (`about` says which they are) the page shows what they have learnt, on `pictures` if there are any; with `run`, the
    run folder that they come from, how. `image` (uint8 [height, width, 1 or 3]) lies under the receptive fields, by
    default the first of the pictures, or one at hand. `compare` is a second network to put beside the first.
    Raises ZooError for what cannot be counted or read.
    """
    of = _described(model, name, image_shape, num_classes, weights)
    other = None if compare is None else _described(compare, compare_name)
    learned, trained = _from_weights(weights, about, pictures, run, track)
    if image is None and pictures is not None:
        image, image_name = pictures.source[0]["image"], pictures.names[0] if pictures.names else pictures.description
    picture = sample(of.network.image_shape, image, image_name)
    page = Page(of, other, picture, about or "given", tree_hash(weights.variables) if weights else "")
    return render(
        page=page,
        learned=learned,
        run=trained,
        comparison=comparison(of, other) if other else None,
        data=script_data(of),
        example=lesson_example(),
        pools=tuple(filter(None, (sample_pool(of.network, picture.grey), lesson_pool()))),
        lesson_bottleneck=LESSON,
        conventions=CONVENTIONS,
        versions=versions(),
    )


def write_report(path: str | Path, model: str | nn.Module | None = None, **options: Any) -> None:
    """Write the page that `report` makes of the same arguments, whole or not at all. Raises ZooError as it does."""
    from zoo.runtime.atomic_files import replacing

    text = report(model, **options)
    with replacing(Path(path)) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _described(
    model: str | nn.Module | None,
    name: str | None,
    shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    weights: Weights | None = None,
) -> Described:
    from zoo.registry import create_model, model_info

    # A module of the reader's own may be called as one of the registry, and has no record for that.
    info = None
    if weights is not None:
        if model is not None or shape is not None or num_classes is not None:
            raise ZooError("weights know their network: leave out model, image_shape and num_classes")
        info = model_info(weights.model)
        model, shape = weights.network(), weights.preprocessing.image_shape
    elif isinstance(model, str):
        # Raises for one that there is not, with the nearest names.
        info = model_info(model)
        model = create_model(model, **({} if num_classes is None else {"num_classes": num_classes}))
    elif model is None:
        raise ZooError("a report is of a network: give its name, a module, or weights")
    elif num_classes is not None:
        raise ZooError("num_classes is for a name of the registry: a module has its own")
    shape = shape or getattr(model, "image_shape", None)
    if shape is None:
        raise ZooError(f"{type(model).__name__} does not say its image size: give image_shape")
    return described(name or (info.name if info else type(model).__name__), model, tuple(shape), info)


def _from_weights(
    weights: Weights | None, about: str, pictures: ImageSet | None, run: str | Path | None, track: ProgressBar
) -> tuple[Any, Any]:
    """The sections about what was learnt and how; None of what there is not."""
    if weights is None:
        if run is not None:
            raise ZooError("a run is shown with its weights: give those too, as zoo.training.checkpoint_weights(run)")
        if pictures is not None:
            raise ZooError("pictures are what weights are shown on: give weights too, or a single image as image")
        return None, None
    from zoo.report.learned.learned import learned_part
    from zoo.report.run.run import check_run, run_part

    if run is not None:
        check_run(Path(run))
    subject = TrainedNetwork(weights, about or weights.model)
    learned = learned_part(subject, pictures, track=track)
    return learned, run_part(Path(run), subject, pictures, learned.answers, track=track) if run is not None else None
