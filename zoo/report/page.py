"""The page of a network, from its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import flax.linen as nn

from zoo.errors import ZooError
from zoo.models.network import ModelInfo
from zoo.report.bottleneck import LESSON
from zoo.report.comparison import comparison
from zoo.report.example import lesson_example
from zoo.report.network import Described, described
from zoo.report.pooling import lesson_pool, sample_pool
from zoo.report.provenance import CONVENTIONS, tree_hash, versions
from zoo.report.rendering import render
from zoo.report.sample import Sample, sample
from zoo.report.script_data import script_data
from zoo.weights import Weights


@dataclass(frozen=True)
class Page:
    """What the template is given. `weights` is a line about them, "" without any."""

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
    image_shape: tuple[int, int, int] | None = None,
    weights: Weights | None = None,
    about_weights: str = "",
    run: str | Path | None = None,
    images: Sequence[str | Path] = (),
    compare: str | nn.Module | None = None,
) -> str:
    """A page about a network, as HTML in one piece.

    `model` is a name of the registry or a Linen module, or None with `weights`, which know theirs; `name` is what the
    page calls it, `image_shape` (height, width, channels) what it is counted for, by default its own. With `weights` the
    page shows what they have learnt, with `run`, a run folder, how; `images` are shown, the first of them under the
    receptive fields. `compare` puts a second network beside it. Raises ZooError for what cannot be counted or read.
    """
    of = _described(model, name, image_shape, weights)
    other = None if compare is None else _described(compare, None, None, None)
    picture = sample(of.network.image_shape, images[0] if images else None)
    hashed = tree_hash(weights.variables) if weights else ""
    page = Page(of, other, picture, about_weights if weights else "", hashed)
    return render(
        page=page,
        learned=_learned(weights, about_weights, images),
        run=_run(run),
        comparison=comparison(of, other) if other else None,
        data=script_data(of),
        example=lesson_example(),
        pools=(sample_pool(of.network, picture.grey), lesson_pool()),
        lesson_bottleneck=LESSON,
        conventions=CONVENTIONS,
        versions=versions(),
    )


def write_report(path: str | Path, model: str | nn.Module | None = None, **options) -> None:
    """Write the page of `report`, whole or not at all. Raises ZooError where it cannot be written."""
    from zoo.weights.atomic import replacing

    text = report(model, **options)
    with replacing(Path(path)) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _described(
    model: str | nn.Module | None, name: str | None, shape: tuple[int, int, int] | None, weights: Weights | None
) -> Described:
    from zoo.registry import create_model, model_info

    info: ModelInfo | None = None
    if weights is not None:
        info, module = model_info(weights.model), weights.network()
        name, shape = name or weights.model, weights.preprocessing.image_shape
    elif isinstance(model, str):
        info, module = model_info(model), create_model(model)
        name = name or model
    elif model is None:
        raise ZooError("a report is of a network: give its name, a module, or weights")
    else:
        module = model
    shape = shape or getattr(module, "image_shape", None)
    if shape is None:
        raise ZooError(f"{type(module).__name__} does not say its image size: give image_shape")
    return described(name or type(module).__name__, module, shape, info)


def _learned(weights: Weights | None, about: str, images: Sequence[str | Path]):
    if weights is None:
        return None
    from zoo.report.learned import learned_part
    from zoo.visualize.subject import Subject

    return learned_part(Subject(weights, about), _pictures(images))


def _run(folder: str | Path | None):
    if folder is None:
        return None
    from zoo.report.run import run_part

    return run_part(Path(folder))


def _pictures(images: Sequence[str | Path]):
    return None
