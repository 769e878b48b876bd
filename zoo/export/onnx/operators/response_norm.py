"""Local response normalisation of zoo's as the node LRN. JAX computes it by a sum of slices."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.counting.marks import LayerMark
from zoo.export.onnx.graph import GraphBuilder
from zoo.export.onnx.program import Data, Step
from zoo.export.onnx.tensors import Tensor, arranged, with_standard_indices
from zoo.kernels.response_norm import local_response_norm

NAME = "local_response_norm"


@dataclass(frozen=True, eq=False)
class ResponseNorm:
    """One call: its images, and its settings."""

    images: Data
    size: int
    alpha: float
    beta: float
    k: float

    def node(self, graph: GraphBuilder, images: Tensor) -> Tensor:
        """LRN of channels-first images. ONNX divides alpha by the size."""
        images = with_standard_indices(graph, arranged(graph, images, (0, 3, 1, 2)))
        attributes = {"size": self.size, "alpha": self.alpha * self.size, "beta": self.beta, "bias": self.k}
        name = graph.node("LRN", [images.name], attributes=attributes)
        return Tensor(name, images.shapes, images.order)


def response_norm_layers(steps: Sequence[Step]) -> dict[Step, ResponseNorm | None]:
    """The last step of each call with the call, and its other steps with None.

    Neighbourhoods of even size lie differently in ONNX: such a call stays as it is computed.
    """
    calls: list[list[Step]] = []
    mark: LayerMark | None = None
    for step in steps:
        is_norm = step.layer is not None and str(step.layer) == NAME
        if is_norm and step.layer is mark:
            calls[-1].append(step)
        elif is_norm:
            calls.append([step])
        mark = step.layer
    found: dict[Step, ResponseNorm | None] = {}
    defaults = {name: one.default for name, one in inspect.signature(local_response_norm).parameters.items()}
    for call in calls:
        assert call[0].layer is not None
        settings = {name: call[0].layer.settings.get(name, defaults[name]) for name in ("size", "alpha", "beta", "k")}
        (images, *others) = _from_outside(call)
        if not others and settings["size"] % 2 == 1 and images.dtype == call[-1].outputs[0].dtype:
            found.update(dict.fromkeys(call))
            found[call[-1]] = ResponseNorm(images, **settings)
    return found


def _from_outside(call: Sequence[Step]) -> list[Data]:
    inside = {value for step in call for value in step.outputs}
    read = [value for step in call for value in step.inputs if isinstance(value, Data) and value not in inside]
    return list(dict.fromkeys(read))
