"""Whether the labels of some images and the outputs of a network mean the same classes."""

from zoo.inference.evaluation import are_wordnet_ids, of_another_data_set, stand_for_names
from zoo.inference.prediction import class_names
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork


def shared_classes(subject: TrainedNetwork, pictures: ImageSet) -> tuple[str, ...] | None:
    """The names of the classes; None where they are others, or the images have no labels.

    Numbers stand for any names, of the network or of the images, and WordNet's identifiers are not compared with words;
    but of two data sets that are known to differ, only names that are the same mean the same.
    """
    given = tuple(pictures.class_names)
    if not subject.model.num_classes or not given:
        return None
    names = class_names(subject.weights)
    if len(names) != len(given):
        return None
    unnamed, anonymous = stand_for_names(given, pictures.dataset), stand_for_names(names, subject.weights.dataset)
    if of_another_data_set(subject.weights, pictures.dataset):
        return names if names == given and not unnamed and not anonymous else None
    if not subject.weights.class_names or anonymous:
        return given
    same = names == given or unnamed or are_wordnet_ids(names) != are_wordnet_ids(given)
    return names if same else None
