"""What all networks have in common, and the record that describes a network."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.errors import ZooError
from zoo.initializers import InitialValues, for_layer
from zoo.layers import Activation, ConvBlock, ModuleFactory
from zoo.models.field_types import ClassCount
from zoo.runtime.record_types import Fit, ImageShape, Interpolation

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Torchvision's second training recipe: images are resized to 232, then cropped to 224.
TORCHVISION_V2_CROP = 224 / 232


class Network(nn.Module, kw_only=True):
    """From images [batch, height, width, channel] to logits [batch, num_classes], float32 for every `dtype`.

    `num_classes=0` gives the input of the classifier instead of logits. `act` is used for all activations.
    `image_shape` (height, width, channel) is the default of `zoo.init`; the network takes other sizes too.
    `initial_values` are the initializers of its layers: by default those of its paper or of the port that it matches.
    """

    num_classes: ClassCount = 1000
    act: Activation = nn.relu
    dtype: jnp.dtype = jnp.float32
    image_shape: ImageShape = (224, 224, 3)
    initial_values: InitialValues = InitialValues()

    def __init_subclass__(cls, **options: Any) -> None:
        """Integers are refused by every network here, before its layers, which do not know what images are."""
        if "__call__" in vars(cls):
            cls.__call__ = refusing_integers(cls.__call__)  # type: ignore[method-assign]
        super().__init_subclass__(**options)

    def conv_blocks(self, norm: ModuleFactory | None = None) -> ModuleFactory:
        """Makes `ConvBlock`s with the activation, the initial values and the type of this network."""
        return partial(
            ConvBlock,
            norm=norm,
            act=self.act,
            kernel_init=self.initial_values.kernel,
            bias_init=self.initial_values.bias,
            dtype=self.dtype,
        )

    def classify(self, x: jax.Array, name: str, *, use_bias: bool = True) -> jax.Array:
        """The last, linear layer: [b, features] to [b, num_classes]. For the compact method of the network."""
        if self.num_classes:
            x = classifier(x, self.num_classes, self.initial_values, self.dtype, use_bias=use_bias, name=name)
        return x.astype(jnp.float32)


def refusing_integers(call: Callable) -> Callable:
    """The `__call__` of a network, which raises ZooError for images of integers. Types are known when it is traced."""

    @wraps(call)
    def checked(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            # A number of NumPy's is a setting, such as `train`.
            if getattr(value, "ndim", 0) > 2 and getattr(value.dtype, "kind", "") in ("u", "i", "b"):
                raise ZooError(
                    f"{type(self).__name__} takes normalised floating-point images, not pixels of {value.dtype}: "
                    "weights.preprocess(images) gives them, where weights = zoo.load_pretrained(...) or the like"
                )
        return call(self, *args, **kwargs)

    return checked


def classifier(
    x: jax.Array,
    num_classes: int,
    initial_values: InitialValues,
    dtype: jnp.dtype,
    *,
    use_bias: bool = True,
    name: str,
) -> jax.Array:
    """A linear layer that gives float32 for every `dtype`: rounded to bfloat16, the logits of two classes may be equal.

    It costs nothing beside the convolutions. For compact methods.
    """
    kernel_shape = (x.shape[-1], num_classes)
    dense = nn.Dense(
        num_classes,
        use_bias=use_bias,
        kernel_init=for_layer(initial_values.dense_kernel, kernel_shape),
        bias_init=for_layer(initial_values.dense_bias, kernel_shape),
        dtype=jnp.promote_types(dtype, jnp.float32),
        name=name,
    )
    return dense(x)


class FoldableNetwork(Network, kw_only=True):
    """A network whose batch norms each follow a convolution, so that they can be folded into it.

    With `folded` it has no batch norms, and its convolutions have biases: the network of what
    `zoo.weights.fold_batchnorm` returns, for inference only.
    """

    folded: bool = False

    def norm_unless_folded(self, norm: ModuleFactory | None, *, train: bool) -> ModuleFactory | None:
        """The norm of the convolution blocks: `norm`, or None if the network is folded.

        Raises ZooError for a folded network without batch norm, or with `train`.
        """
        if not self.folded:
            return norm
        if norm is None:
            raise ZooError(f"this {type(self).__name__} has no batch norm to fold: leave out folded=True")
        if train:
            raise ZooError(
                f"a folded {type(self).__name__} cannot be trained, since its batch norms are in its convolutions: "
                "train the network that is not folded"
            )
        return None


def maybe_remat(block: type[nn.Module], remat: bool) -> type[nn.Module]:
    """The block; with `remat`, one that stores only its input for the backward pass and computes the rest again.

    Pass `train` by position: `block(...)(x, train)`.
    """
    return nn.remat(block, static_argnums=(2,)) if remat else block


def sow_aux_logits(head: nn.Module, logits: jax.Array) -> None:
    """Store the logits [b, num_classes] of an auxiliary head in the collection `aux_logits`, as float32.

    Call it in the `__call__` of the head, which a network calls only with `train` or during initialization.
    """
    if not head.is_initializing():
        logits = logits.astype(jnp.float32)
        head.sow("aux_logits", "logits", logits, reduce_fn=lambda _, new: new, init_fn=lambda: None)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The publication of a network."""

    title: str
    year: int
    url: str


# Of a network of the user.
NO_PAPER = Paper(title="", year=0, url="")


class MapLayer(NamedTuple):
    """A layer whose output is a map of `zoo.feature_pyramid`; with `then`, that function of the network and of it."""

    name: str
    then: Callable[[Network, jax.Array], jax.Array] | None = None


def activated(network: Network, x: jax.Array) -> jax.Array:
    """The activation of a network, for a `MapLayer`."""
    return network.act(x)


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A network of the registry: how it is built, where it was published, its size and its preprocessing.

    `parameters` is for `num_classes`, without auxiliary heads. `macs` are the multiply-adds of the convolutions and
    linear layers for one image of `input_size` x `input_size` pixels and `channels`, with those on padding.
    Preprocessing for evaluation, that of the default weights: a centre crop of the fraction `crop` of the shorter side,
    or with `fit` "squash" of each side, is resized with `interpolation`; `mean` and `std` are for pixels in 0..1.
    `stages` are the last layers at each resolution, for `zoo.features`, and `pyramid` those for `zoo.feature_pyramid`
    where they are others. `differs` says how the network differs from the paper. `source` is the module:attribute of a
    network that is not zoo's own. Of such a network only the name and `build` have to be given: `parameters` and `macs`
    are 0 where they are not known.
    """

    name: str
    build: Callable[..., Network]
    paper: Paper = NO_PAPER
    parameters: int = 0
    macs: int = 0
    stages: tuple[str, ...] = ()
    pyramid: tuple[str | MapLayer, ...] = ()
    num_classes: int = 1000
    input_size: int = 224
    channels: int = 3
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    fit: Fit = "resize"
    crop: float = 0.875
    interpolation: Interpolation = "bilinear"
    differs: str = ""
    source: str = ""

    @property
    def title(self) -> str:
        """The title of the paper."""
        return self.paper.title

    @property
    def year(self) -> int:
        """The year of the paper."""
        return self.paper.year

    @property
    def url(self) -> str:
        """The address of the paper."""
        return self.paper.url
