"""What inference takes: a network with its variables, preprocessing and class names."""

from collections.abc import Mapping
from typing import Any, Protocol

from zoo.data import Preprocessing
from zoo.models.network import Network


class Classifier(Protocol):
    """What `zoo.weights.Weights` has, which is a part above this one. `model` is the name of the network."""

    @property
    def model(self) -> str: ...

    @property
    def variables(self) -> Mapping[str, Any]: ...

    @property
    def preprocessing(self) -> Preprocessing: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def dataset(self) -> str: ...

    def network(self, **fields: Any) -> Network: ...
