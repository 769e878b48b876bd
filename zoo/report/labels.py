"""Whether the labels of some images and the outputs of a network mean the same classes."""

from zoo.evaluation import are_numbers, are_wordnet_ids
from zoo.prediction import class_names
from zoo.visualize.subject import Pictures, Subject


def shared_classes(subject: Subject, pictures: Pictures) -> tuple[str, ...] | None:
    """The names of the classes; None where they are others, or the images have no labels.

    Numbers stand for any names, of the network or of the images, and WordNet's identifiers are not compared with words.
    """
    given = tuple(pictures.class_names)
    if not subject.model.num_classes or not given:
        return None
    names = class_names(subject.weights)
    if len(names) != len(given):
        return None
    if not subject.weights.class_names or are_numbers(names):
        return given
    same = names == given or are_numbers(given) or are_wordnet_ids(names) != are_wordnet_ids(given)
    return names if same else None
