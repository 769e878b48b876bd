"""What a network's weights have learnt, for its page: filters, maps, projections, dead units, its answers."""

from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.registry import model_info
from zoo.report.learned.activation_survey import BATCH, Answers, survey
from zoo.report.learned.dead_units import Silence, silence
from zoo.report.learned.example_images import Passage, Said, answers, passage, samples
from zoo.report.learned.first_filters import FirstFilters, first_filters
from zoo.report.learned.projections import Projections, projections
from zoo.report.learned.shared_classes import shared_classes
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, default_layers, no_progress_bar

# From so many images on they are searched; of fewer, each is shown.
MANY = 9


@dataclass(frozen=True)
class Learned:
    """The section's parts; those that need images are None, or empty, where there are none.

    `silence` is None of few images, as are the `answers`, with which `run_part` need not look through them again. The
    images are `unjudged` where their labels name other classes than the network's, as far as anybody knows.
    """

    about: str
    pictures: str
    filters: FirstFilters | None
    said: tuple[Said, ...] = ()
    unjudged: bool = False
    passage: Passage | None = None
    projections: Projections | None = None
    silence: Silence | None = None
    answers: Answers | None = None


def learned_part(
    subject: TrainedNetwork, pictures: ImageSet | None, *, track: ProgressBar = no_progress_bar, batch_size: int = BATCH
) -> Learned:
    """What there is to show of a network with weights, and of images where there are some.

    Many images, as of a data set, are searched for the strongest activations and for dead units, in one look through
    all; of fewer, as photographs, each is shown. Raises ZooError where there are none, or the network's numbers are not
    finite.
    """
    if pictures is not None and not len(pictures):
        raise ZooError("there are no images in the pictures: give one at least, or no pictures")
    filters = first_filters(subject)
    if pictures is None:
        return Learned(subject.description, "", filters)
    layers = _layers(subject)
    seen = samples(subject, pictures, layers)
    many = len(pictures) >= MANY
    found = survey(subject, pictures, layers, track=track, batch_size=batch_size) if many else None
    classes = shared_classes(subject, pictures)
    return Learned(
        subject.description,
        pictures.description,
        filters,
        answers(subject, seen, classes),
        bool(subject.model.num_classes and pictures.class_names) and classes is None,
        passage(seen) if layers else None,
        projections(subject, pictures, seen, found, track=track) if layers else None,
        silence(found.activities, len(pictures)) if found else None,
        found.answers if found else None,
    )


def _layers(subject: TrainedNetwork) -> list[str]:
    """A few of the stages that the registry names, of a network for which it names any."""
    return default_layers(subject) if model_info(subject.weights.model).stages else []
