"""Whether the labels of an image set and the outputs of a network are the same classes."""

from zoo.inference.class_outputs import are_placeholders, are_wordnet_ids, is_other_dataset
from zoo.inference.prediction import output_names
from zoo.visualize.network_and_images import ImageSet, TrainedNetwork


def shared_classes(trained: TrainedNetwork, image_set: ImageSet) -> tuple[str, ...] | None:
    """The names of the classes; None if the classes differ, or if the images have no labels.

    Class names that are only numbers match any names, and WordNet identifiers match words. If the network is known to
    be trained on another data set than the images', the names must be equal.
    """
    label_names = tuple(image_set.class_names)
    if not trained.model.num_classes or not label_names:
        return None
    names = output_names(trained.weights)
    if len(names) != len(label_names):
        return None
    unnamed_labels = are_placeholders(label_names, image_set.dataset)
    unnamed_outputs = are_placeholders(names, trained.weights.dataset)
    if is_other_dataset(trained.weights, image_set.dataset):
        return names if names == label_names and not unnamed_labels and not unnamed_outputs else None
    if not trained.weights.class_names or unnamed_outputs:
        return label_names
    same = names == label_names or unnamed_labels or are_wordnet_ids(names) != are_wordnet_ids(label_names)
    return names if same else None
