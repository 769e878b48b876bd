"""The section of the page about what the weights have learned."""

from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.report.learned.activation_survey import BATCH_SIZE, PredictedClasses, survey_activations
from zoo.report.learned.dead_units import DeadUnits, find_dead_units
from zoo.report.learned.example_images import apply_to_examples
from zoo.report.learned.example_predictions import ExamplePrediction, predict_examples
from zoo.report.learned.first_filters import FirstFilters, first_filters
from zoo.report.learned.layer_maps import FeatureMaps, feature_maps_of
from zoo.report.learned.projections import Projections, project_strongest
from zoo.report.learned.shared_classes import shared_classes
from zoo.visualize.network_and_images import (
    MIN_IMAGES_TO_SEARCH,
    ImageSet,
    ProgressBar,
    TrainedNetwork,
    default_layers,
    no_progress_bar,
    stages_with_maps,
)


@dataclass(frozen=True)
class LearnedSection:
    """The contents of the section; those that need images are None or empty without images.

    `dead_units` and `predictions`, which are of all images, are None for few images. `unknown_labels` says that the
    images have labels that are not known to be the network's classes.
    """

    about: str
    image_set: str
    filters: FirstFilters | None
    examples: tuple[ExamplePrediction, ...] = ()
    unknown_labels: bool = False
    feature_maps: FeatureMaps | None = None
    projections: Projections | None = None
    dead_units: DeadUnits | None = None
    predictions: PredictedClasses | None = None


def learned_section(
    trained: TrainedNetwork,
    image_set: ImageSet | None,
    *,
    progress_bar: ProgressBar = no_progress_bar,
    batch_size: int = BATCH_SIZE,
) -> LearnedSection:
    """The section about a network with its weights, with images if there are any.

    A data set is searched in one pass for the strongest activations and for dead units; of fewer than nine images each
    one is shown. Raises ZooError if the image set is empty, or if the network's outputs are not finite.
    """
    if image_set is not None and not len(image_set):
        raise ZooError("the image set is empty: give at least one image, or no image set")
    filters = first_filters(trained)
    if image_set is None:
        return LearnedSection(trained.description, "", filters)
    layers = _layers(trained)
    examples = apply_to_examples(trained, image_set, layers)
    survey = None
    if len(image_set) >= MIN_IMAGES_TO_SEARCH:
        survey = survey_activations(trained, image_set, layers, progress_bar=progress_bar, batch_size=batch_size)
    classes = shared_classes(trained, image_set)
    projections = None
    if layers:
        projections = project_strongest(trained, image_set, examples, survey, progress_bar=progress_bar)
    return LearnedSection(
        about=trained.description,
        image_set=image_set.description,
        filters=filters,
        examples=predict_examples(trained, examples, classes),
        unknown_labels=bool(trained.model.num_classes and image_set.class_names) and classes is None,
        feature_maps=feature_maps_of(examples) if layers else None,
        projections=projections,
        dead_units=find_dead_units(survey.activities, len(image_set)) if survey else None,
        predictions=survey.predictions if survey else None,
    )


def _layers(trained: TrainedNetwork) -> list[str]:
    """A few of the network's stages; none where no layer has feature maps."""
    return default_layers(trained) if stages_with_maps(trained) else []
