"""A network as the backbone of a detector or a segmenter: the module whose output is its maps."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
from flax.linen.module import InterceptorContext

from zoo.errors import ZooError, list_some
from zoo.inference.features import unknown_layer
from zoo.kernels.batch_norm import with_running_average
from zoo.kernels.dilation import DilatedStages, StageDilation, dilated
from zoo.models.network import MapLayer, Network
from zoo.models.variables import Variables, init_shapes
from zoo.runtime.record_types import ImageShape


@dataclass(frozen=True)
class FeatureMap:
    """A map: the `layer` that it is the output of, its `channels`, and its `stride` in pixels of the image."""

    layer: str
    channels: int
    stride: int


class FeaturePyramid(nn.Module):
    """The maps of a network: images [b, height, width, channel] to a tuple of [b, h, w, channels], in its `dtype`.

    `zoo.feature_pyramid` makes it. Its variables are those of the `network`, by the same names, without what comes
    after the last map. `maps` says what the maps are. A stage ends with each of `layers`; `taken` are the positions of
    those whose outputs are maps. The first `frozen_stages` compute as in inference, also with `train`, and get no
    gradient. With `remat` the backward pass computes the top-level modules of the network again. `dilations` are those
    of the stages without strides.
    """

    network: Network
    layers: tuple[MapLayer, ...]
    taken: tuple[int, ...]
    image_shape: ImageShape
    frozen_stages: int = 0
    remat: bool = False
    dilations: tuple[StageDilation | None, ...] = ()
    maps: tuple[FeatureMap, ...] = ()

    def setup(self) -> None:
        """For Linen."""
        nn.share_scope(self, self.network)

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels of each map."""
        return tuple(one.channels for one in self.maps)

    @property
    def strides(self) -> tuple[int, ...]:
        """The stride of each map, in pixels of the image."""
        return tuple(one.stride for one in self.maps)

    def __call__(self, x: jax.Array, *, train: bool = False) -> tuple[jax.Array, ...]:
        """The maps of images; `train` is that of the network, for its batch statistics and dropout."""
        stages = DilatedStages(self.dilations) if any(self.dilations) else None
        calls = _StageCalls(self, stages)
        with suppress(_LastMap), dilated(stages), nn.intercept_methods(calls.intercept):
            self.network(x, train=train)
        calls.check_complete()
        return tuple(self._map(self.layers[i], calls.outputs[i]) for i in self.taken)

    def variables_of(self, variables: Variables) -> dict[str, Any]:
        """Those variables of the network, such as pretrained ones, that the pyramid has.

        Raises ZooError where some are missing or have another shape.
        """
        found = {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(dict(variables))}
        shapes = init_shapes(self)
        wrong = [
            jax.tree_util.keystr(path, simple=True, separator="/")
            for path, leaf in jax.tree.leaves_with_path(shapes)
            if getattr(found.get(jax.tree_util.keystr(path)), "shape", None) != leaf.shape
        ]
        if wrong:
            raise ZooError(
                f"these are no variables of this {type(self.network).__name__}: it has others of {list_some(wrong)}"
            )
        return jax.tree.map_with_path(lambda path, _: found[jax.tree_util.keystr(path)], shapes)

    def _map(self, layer: MapLayer, output: jax.Array) -> jax.Array:
        return layer.then(self.network, output) if layer.then else output


class _LastMap(Exception):
    """The last map is computed: what the network has after it is neither computed nor initialised."""


class _StageCalls:
    """The calls of a network's layers in one trace: `outputs` are those of the layers that end a stage, in order."""

    def __init__(self, pyramid: FeaturePyramid, stages: DilatedStages | None) -> None:
        self.outputs: list[jax.Array] = []
        self._pyramid, self._stages = pyramid, stages
        self._called: dict[str, None] = {}
        self._running: set[str] = set()

    def intercept(self, call: Any, args: tuple, kwargs: dict[str, Any], context: InterceptorContext) -> Any:
        """An interceptor for Linen."""
        module, frozen = context.module, len(self.outputs) < self._pyramid.frozen_stages
        if context.method_name != "__call__":
            return call(*args, **kwargs)
        if frozen and not module.is_initializing():
            if isinstance(module, nn.Dropout):
                return args[0]
            if isinstance(module, nn.BatchNorm) and not module.use_running_average:
                return with_running_average(module, args[0])
        name = "/".join(module.path[len(self._pyramid.network.path) :])
        self._called.setdefault(name)
        is_map = name == self._pyramid.layers[len(self.outputs)].name
        remat = self._pyramid.remat and name and "/" not in name
        if name in self._running or not (is_map or remat):
            return call(*args, **kwargs)
        self._running.add(name)
        output = _rematerialized(module, *args, **kwargs) if remat else call(*args, **kwargs)
        self._running.remove(name)
        if is_map and frozen:
            output = jax.lax.stop_gradient(output)
        if is_map:
            self._end_stages(name, output)
        return output

    def _end_stages(self, name: str, output: jax.Array) -> None:
        # A layer may have two maps, with and without a pool.
        for layer in self._pyramid.layers[len(self.outputs) :]:
            if layer.name != name:
                break
            self.outputs.append(output)
            if self._stages:
                self._stages.next_stage()
        if len(self.outputs) == len(self._pyramid.layers):
            raise _LastMap

    def check_complete(self) -> None:
        """Raises ZooError where a layer has not been called, or before its turn."""
        layers, network = [layer.name for layer in self._pyramid.layers], self._pyramid.network
        if len(self.outputs) == len(layers):
            return
        name = layers[len(self.outputs)]
        if name not in self._called:
            raise unknown_layer(network, name, self._called)
        raise ZooError(f"{type(network).__name__} does not compute its layers in the order {', '.join(layers)}")


def _rematerialized(module: nn.Module, x: jax.Array, *args: Any, **kwargs: Any) -> Any:
    """Linen's class from `nn.remat` would hide its outputs from an interceptor, but for those within its own trace."""
    return nn.remat(lambda module, x: module(x, *args, **kwargs))(module, x)
