"""Feature pyramids by name."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.inference.feature_pyramid import FeatureMap, FeaturePyramid
from zoo.inference.features import hidden_layer, network_errors
from zoo.kernels.dilation import NotDilatable, StageDilation
from zoo.models.network import MapLayer, ModelInfo
from zoo.printable import quoted
from zoo.registry import create_model, model_info
from zoo.runtime.kept_traces import new_trace_name

OUTPUT_STRIDES = (8, 16, 32)
DEFAULT_INDICES = (1, 2, 3, 4)
# Pixels. No network has a larger stride.
WIDER_BY = 64


def feature_pyramid(
    name: str,
    out_indices: Sequence[int] | None = None,
    output_stride: int = 32,
    *,
    layers: Sequence[str] = (),
    frozen_stages: int = 0,
    remat: bool = False,
    **fields: Any,
) -> FeaturePyramid:
    """A network by name as a module whose output is a tuple of maps, for detection and segmentation.

    The layers of `model_info(name).pyramid`, or else `stages`, have a map each, numbered from 0. `out_indices` are
    those to return, in increasing order; negative ones count from the last. By default they are (1, 2, 3, 4), or all
    of a network with four or fewer. `layers` are other layers with a map, by their paths as in `zoo.features`, in the
    order of their calls. `fields` are those of `create_model`.

    With an `output_stride` of 8 or 16 no map has a larger stride: after that, convolutions have dilation in place of
    strides. The maps are those of timm's `features_only` with the same `out_indices` and `output_stride`. The first
    `frozen_stages`, each of which ends with a layer that has a map, compute as in inference, also with `train`, and
    get no gradient. `remat` saves memory and costs time: the backward pass computes top-level modules again.

    Raises ZooError for a layer that the network has not, and where it cannot have this output stride: a max pool has no
    dilation, and a convolution that is not one of `zoo.layers` keeps its stride.
    """
    info = model_info(name)
    if output_stride not in OUTPUT_STRIDES:
        raise ZooError(f"output_stride is {quoted(output_stride)}: it is 8, 16 or 32")
    all_layers = _layers(info, layers)
    taken = _positions(name, out_indices, len(all_layers), default=() if layers else DEFAULT_INDICES)
    if not isinstance(frozen_stages, int) or not 0 <= frozen_stages <= max(taken) + 1:
        raise ZooError(
            f"frozen_stages is {quoted(frozen_stages)}: {name} has {max(taken) + 1} stages up to its last map"
        )
    network = create_model(name, **fields)
    pyramid = FeaturePyramid(
        network=network,
        layers=all_layers[: max(taken) + 1],
        taken=taken,
        image_shape=getattr(network, "image_shape", None) or (info.input_size, info.input_size, info.channels),
        frozen_stages=frozen_stages,
        remat=remat,
    )
    return _with_output_stride(name, pyramid, output_stride)


def _layers(info: ModelInfo, layers: Sequence[str]) -> tuple[MapLayer, ...]:
    given = layers or info.pyramid or info.stages
    if not given:
        raise ZooError(
            f"the layers of {info.name} at each resolution are not known: name them, as in layers=('block1', 'block2')"
        )
    return tuple(layer if isinstance(layer, MapLayer) else MapLayer(layer) for layer in given)


def _positions(name: str, indices: Sequence[int] | None, count: int, default: Sequence[int]) -> tuple[int, ...]:
    if indices is None:
        return tuple(default) if count > max(default, default=count) else tuple(range(count))
    if not isinstance(indices, Sequence) or not all(isinstance(index, Integral) for index in indices):
        raise ZooError(f"out_indices is {quoted(indices)}: give several, such as (1, 2, 3, 4)")
    positions = tuple(int(index) + count if index < 0 else int(index) for index in indices)
    if not positions or not all(0 <= position < count for position in positions):
        raise ZooError(f"out_indices is {quoted(indices)}, and {name} has {count} maps: 0 to {count - 1}")
    if list(positions) != sorted(set(positions)):
        raise ZooError(f"out_indices is {quoted(indices)}: give each map once, in increasing order")
    return positions


def _with_output_stride(name: str, pyramid: FeaturePyramid, output_stride: int) -> FeaturePyramid:
    """The pyramid with this output stride at most, and with its record."""
    everything = pyramid.clone(taken=tuple(range(len(pyramid.layers))))
    shapes = _shapes(everything)
    strides = [_stride(layer.name, shape) for layer, shape in zip(pyramid.layers, shapes, strict=True)]
    if max(strides) > output_stride:
        dilations = _dilations(name, strides, output_stride)
        _check_dilated(name, everything.clone(dilations=dilations), output_stride, strides, shapes)
        pyramid = pyramid.clone(dilations=dilations)
    maps = [FeatureMap(pyramid.layers[i].name, shapes[i][3], min(strides[i], output_stride)) for i in pyramid.taken]
    return pyramid.clone(maps=tuple(maps))


def _shapes(pyramid: FeaturePyramid) -> list[tuple[int, ...]]:
    """The shapes of the maps of one image, which is as high as the network's own size and `WIDER_BY` wider."""
    height, _, channels = pyramid.image_shape
    image = jax.ShapeDtypeStruct((1, height, height + WIDER_BY, channels), jnp.float32)
    rngs = {"params": jax.random.key(0), new_trace_name(): jax.random.key(0)}
    with network_errors(pyramid.network, image):
        try:
            outputs, _ = jax.eval_shape(pyramid.init_with_output, rngs, image)
        except jax.errors.UnexpectedTracerError as error:
            names = ", ".join(layer.name for layer in pyramid.layers)
            raise hidden_layer(pyramid.network, names) from error
    for layer, output in zip(pyramid.layers, outputs, strict=True):
        if len(getattr(output, "shape", ())) != 4:
            raise ZooError(f"the output of {layer.name} is no map [batch, height, width, channel]: name another layer")
    return [output.shape for output in outputs]


def _stride(layer: str, shape: tuple[int, ...]) -> int:
    """The stride of a map of the image of `_shapes`: exact without any padding too."""
    wider_by = shape[2] - shape[1]
    if wider_by < 1 or WIDER_BY % wider_by:
        raise ZooError(f"the output of {layer} is no map whose size follows that of the image: name another layer")
    return WIDER_BY // wider_by


def _dilations(name: str, strides: Sequence[int], output_stride: int) -> tuple[StageDilation | None, ...]:
    dilations: list[StageDilation | None] = []
    for before, after in zip((1, *strides), strides, strict=False):
        if after > output_stride and (before < output_stride or after > 2 * before):
            raise ZooError(
                f"{name} has no layer at each resolution, but at strides of {', '.join(map(str, strides))} pixels: "
                f"an output_stride of {output_stride} needs one at each"
            )
        removed = after > output_stride
        dilations.append(StageDilation(before // output_stride, after // output_stride) if removed else None)
    return tuple(dilations)


def _check_dilated(
    name: str, pyramid: FeaturePyramid, output_stride: int, strides: Sequence[int], shapes: Sequence[tuple[int, ...]]
) -> None:
    """Raises ZooError where a map is not as large as the last one without dilation."""
    try:
        found = _shapes(pyramid)
    except NotDilatable as error:
        raise ZooError(f"{name} cannot have an output_stride of {output_stride}: {error}") from error
    largest = next(shape for shape, stride in zip(shapes, strides, strict=True) if stride == output_stride)
    for layer, shape, stride in zip(pyramid.layers, found, strides, strict=True):
        if stride > output_stride and shape[1:3] != largest[1:3]:
            raise ZooError(
                f"{name} cannot have an output_stride of {output_stride}: {layer.name} has strides that are not those "
                "of zoo.layers"
            )
