"""The features of a data set that TFDS reads from files: a file must not name code to import."""

import contextlib
from collections.abc import Iterator

import tensorflow_datasets as tfds

OWN = "tensorflow_datasets."


@contextlib.contextmanager
def own_features_only() -> Iterator[None]:
    """Within this context TFDS knows its own features only.

    Of any other that a features.json names it would import the module, which can be one in the current folder. (An
    argument of TFDS's that limits them would replace this.)
    """
    connector = tfds.features.FeatureConnector
    original = connector.cls_from_name

    def own(name: str) -> type[tfds.features.FeatureConnector]:
        if not name.startswith(OWN):
            raise ValueError(f"its files name {name}, which is code and no feature of TFDS")
        return original(name)

    connector.cls_from_name = own
    try:
        yield
    finally:
        connector.cls_from_name = original
