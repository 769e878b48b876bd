"""A recipe: everything that decides a training run, besides the network and the data."""

import re
from dataclasses import dataclass
from typing import Literal

from zoo.errors import ZooError
from zoo.runtime.limits import MAX_BATCH_SIZE, MAX_IMAGE_SIZE
from zoo.runtime.record_types import Fit
from zoo.training.config.config_field import check_fields, config_field
from zoo.training.config.crop_sizes import NO_SIZES, parse_crop_sizes
from zoo.training.config.decays import MAX_EPOCHS, NO_EPOCHS, check_decays, parse_epochs

# A learning rate, a weight and the like: far more than what trains anything.
MAX_FACTOR = 1000
# Settings that are fields of those networks that have them.
NETWORK_FIELDS = ("dropout", "stochastic_depth", "layer_scale")
TIMM_MAGNITUDE = 10
# The smallest share of an image that random erasing fills, where it is drawn as an area.
SMALLEST_ERASED = 0.02


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings that decide a training run, besides the network and the data.

    Each is declared here once, with its default, its range and its help text; it is a flag of `train`, a field of
    config.json, and is read where it is used. Raises ZooError for a value outside its range.
    """

    epochs: int = config_field(20, "passes over the training images", minimum=1, maximum=MAX_EPOCHS)
    batch_size: int = config_field(
        64,
        "images per step, over all devices; without this flag as many as there are, if those are fewer",
        minimum=1,
        maximum=MAX_BATCH_SIZE,
    )
    rate_batch: int = config_field(
        0,
        "images per update for which the learning rate is given: for others it is scaled by their ratio (sgd, rmsprop) "
        "or by its square root (adamw, lamb, muon); 0, and with --learning-rate alone: the rate as it is",
        maximum=MAX_FACTOR * MAX_BATCH_SIZE,
    )
    loss: Literal["softmax", "bce"] = config_field(
        "softmax", "cross-entropy of the softmax, or binary cross-entropy of each class (bce), their mean"
    )
    optimizer: Literal["adamw", "sgd", "lamb", "muon", "rmsprop"] = config_field(
        "adamw", "sgd has Nesterov momentum; rmsprop is TensorFlow's"
    )
    learning_rate: float = config_field(1e-3, "peak learning rate, at the end of a linear warmup", maximum=MAX_FACTOR)
    schedule: Literal[
        "cosine", "linear", "constant", "staircase", "exponential", "polynomial", "one_cycle", "plateau"
    ] = config_field(
        "cosine",
        "learning rate after its peak; cosine, linear and polynomial fall to zero with the end of the run; one_cycle "
        "has its peak at 3/10 of the run, and no other warmup; plateau is lowered where evaluations do not improve",
    )
    decay_rate: float = config_field(
        0.1, "what staircase, exponential and plateau multiply the learning rate by", minimum=1e-6, maximum=1
    )
    decay_epochs: float = config_field(
        0.0,
        "epochs, counted from the start of the run, in which staircase and exponential do so once; 0: a third of it",
        maximum=MAX_EPOCHS,
    )
    decay_at: str = config_field(
        NO_EPOCHS, "epochs at which staircase does so instead, such as 30,60,80", metavar="EPOCHS"
    )
    decay_power: float = config_field(
        0.5, "power of polynomial: of the share of the run that is left (GoogLeNet in Caffe: 0.5)", maximum=MAX_FACTOR
    )
    plateau_patience: int = config_field(
        10, "epochs without improvement that plateau allows; after one more it does so", maximum=MAX_EPOCHS
    )
    plateau_metric: Literal["test_loss", "test_error"] = config_field(
        "test_loss", "what plateau takes as improvement when it is lower: test_error is 1 - test accuracy"
    )
    warmup_epochs: float = config_field(1.0, "epochs of linear warmup; at most a third of the run", maximum=MAX_EPOCHS)
    warmup_start: float = config_field(0.0, "learning rate at the start of the warmup, relative to its end", maximum=1)
    momentum: float = config_field(0.9, "momentum of sgd and rmsprop; no other optimizer has it", below=1)
    weight_decay: float = config_field(
        1e-4,
        "decay of kernels per unit of learning rate, for sgd and rmsprop as a part of the gradient; biases and norms "
        "have none, unless --decay-norms is given",
        maximum=MAX_FACTOR,
    )
    decay_norms: bool = config_field(False, "apply the weight decay to biases and norms too")
    nesterov: bool = config_field(True, "whether sgd has Nesterov momentum, as torch's nesterov=True")
    rms_epsilon: float = config_field(
        1e-3, "epsilon of rmsprop, inside the square root", minimum=1e-10, maximum=MAX_FACTOR
    )
    clip_norm: float = config_field(
        0.0,
        "a gradient with a larger global norm than this is scaled down to it; 0: no clipping",
        maximum=1e9,
    )
    clip_adaptive: float = config_field(
        0.0,
        "adaptive clipping: the gradient of each output of a layer but the head, with a larger norm than this share of "
        "that of its parameters, is scaled down to it (NFNet: 0.01); 0: no clipping",
        maximum=1e9,
    )
    accumulate: int = config_field(1, "batches whose gradients are averaged for one update", minimum=1)
    ema: float = config_field(
        0.0,
        "decay per update of an exponential moving average of the network, which is evaluated and saved; 0: none",
        below=1,
    )
    ema_every: int = config_field(1, "updates of the network per update of its moving average", minimum=1)
    batch_norm_warmup: bool = config_field(
        True, "momentum of batch norm's running statistics: (1 + n) / (10 + n) after n steps, up to the network's own"
    )
    batch_norm_momentum: float | None = config_field(
        None, "decay per step of batch norm's running statistics (torch's momentum is 1 minus this)", below=1
    )
    bn_group: int = config_field(
        0,
        "images over which batch norm computes its statistics in training, consecutive ones of a step; 0: all of them",
        maximum=MAX_BATCH_SIZE,
    )
    dropout: float | None = config_field(None, "rate of dropout, where the network has this field", below=1)
    stochastic_depth: float | None = config_field(
        None, "rate of stochastic depth in the last block, where the network has this field", below=1
    )
    layer_scale: float | None = config_field(
        None, "initial scale of residual branches, where the network has this field", minimum=1e-10, maximum=1
    )
    bce_threshold: float = config_field(
        0.0, "with bce, targets above this are 1 and others 0, of mixed images too; 0: none", below=1
    )
    label_smoothing: float = config_field(0.0, "share of the target that is spread over all classes", below=1)
    balance: bool = config_field(
        False,
        "weight the loss of an image by N / (K n), where n of the N training images are in its class, one of K: each "
        "class has the same share of the loss",
    )
    aux_heads: bool = config_field(False, "also train the auxiliary classifiers, if the network has them")
    aux_weight: float = config_field(0.3, "weight of each auxiliary loss, with --aux-heads", maximum=MAX_FACTOR)
    freeze: str = config_field(
        "none", "none, backbone (all but the head), or a regular expression of layers", metavar="LAYERS"
    )
    backbone_rate: float = config_field(
        1.0, "learning rate of all but the head, relative to the head's", maximum=MAX_FACTOR
    )
    layer_decay: float = config_field(
        1.0,
        "learning rate of each layer relative to that of the next one, up to the head; 1: equal",
        minimum=1e-3,
        maximum=1,
    )
    crop: float = config_field(
        0.0,
        "smallest share of an image's area in a random crop, resized to the image size (GoogLeNet: 0.08); 0: no crop",
        maximum=1,
    )
    crop_sizes: str = config_field(
        NO_SIZES,
        "pixels to which an image's shorter side is scaled before the image size is cut out at random: 256 (AlexNet), "
        "or a range, such as 256-512 (VGG)",
        metavar="N|N-N",
    )
    shift: int = config_field(
        0,
        "largest random shift of an image in pixels, vertically and horizontally; the mean fills the border",
        maximum=MAX_IMAGE_SIZE,
    )
    flip: bool = config_field(False, "flip each image horizontally with probability 0.5")
    auto_augment: bool = config_field(False, "change each image by two operations of AutoAugment's ImageNet policy")
    randaugment: float = config_field(
        0.0, "magnitude of RandAugment, up to 10, of the form torchvision up to 30 (usual: 9); 0: none", maximum=30
    )
    randaugment_ops: int = config_field(
        2, "operations of RandAugment per image, one after the other", minimum=1, maximum=100
    )
    randaugment_std: float = config_field(
        0.0, "standard deviation of the magnitude of each operation, in timm's forms (usual: 0.5)", maximum=100
    )
    randaugment_form: Literal["timm-inc", "timm", "torchvision"] = config_field(
        "timm-inc",
        "which RandAugment: timm's with increasing severity (inc1), timm's, or torchvision's; in timm's an operation "
        "is left out with probability 0.5",
    )
    trivial_augment: bool = config_field(
        False, "change each image by one random operation of TrivialAugment (wide), of random strength"
    )
    augment_interpolation: Literal["nearest", "bilinear", "bicubic"] = config_field(
        "nearest", "how AutoAugment, RandAugment and TrivialAugment shear, shift and rotate"
    )
    color_jitter: float = config_field(
        0.0, "factors of brightness, contrast and saturation are 1 - this to 1 + this (usual: 0.4)", maximum=10
    )
    hue_jitter: float = config_field(
        0.0, "the hue is turned by up to this share of the color circle, either way", maximum=0.5
    )
    lighting: float = config_field(
        0.0, "standard deviation of PCA lighting, AlexNet's shift of colors (usual: 0.1); 0: none", maximum=10
    )
    erase: float = config_field(
        0.0, "probability that a rectangle of an image, of 1/8 to 1/2 of each side, is filled with the mean", maximum=1
    )
    erase_area: float = config_field(
        0.0,
        "the rectangle has 0.02 to this share of the area, and a ratio of 0.3 to 3.3 (usual: 0.33); 0: 1/8 to 1/2 of "
        "each side",
        maximum=1,
    )
    erase_noise: bool = config_field(False, "fill the rectangle with normal noise instead (timm's mode pixel)")
    mixup: float = config_field(
        0.0, "alpha of mixup, a blend of two images and their labels (usual: 0.2); 0: none", maximum=MAX_FACTOR
    )
    cutmix: float = config_field(
        0.0, "alpha of CutMix, a box of one image in another (usual: 1); 0: none", maximum=MAX_FACTOR
    )
    mix_per_image: bool = config_field(
        False, "mixup and CutMix are drawn for each image, not for a whole batch (timm's mode elem)"
    )
    repeats: int = config_field(
        1,
        "repeated augmentation: how often an image is in a batch, each time augmented anew; an epoch has the same "
        "number of steps, of fewer images",
        minimum=1,
        maximum=MAX_BATCH_SIZE,
    )
    image_size: int = config_field(
        0,
        "height and width in pixels; 0: the network's (the weights' with --pretrained), or for smaller images the "
        "next multiple of 32",
        maximum=MAX_IMAGE_SIZE,
    )
    fit: Fit = config_field(
        "resize",
        "how an image gets the image size. resize: scaled to cover it, and the centre cut out; pad: on black, scaled "
        "only if it is larger; squash: scaled to it, whatever its aspect ratio",
    )
    eval_size: int = config_field(
        0, "height and width in pixels of images in evaluation; 0: the image size", maximum=MAX_IMAGE_SIZE
    )
    eval_crop: float = config_field(
        1.0,
        "share of an image's shorter side that is cut out of its centre in evaluation; with fit squash of each side",
        minimum=0.1,
        maximum=1,
    )
    feed: Literal["auto", "resident", "streamed"] = config_field(
        "auto", "keep all images on the devices (resident), or read them as needed (streamed); auto: by their size"
    )
    dtype: Literal["auto", "float32", "bfloat16"] = config_field(
        "auto",
        "of the computation; parameters, loss and logits stay float32. auto: for zoo's own networks bfloat16 on TPUs, "
        "and on GPUs that have it; else float32",
    )
    seed: int = config_field(0, "seed of initial parameters, shuffling, dropout and augmentation", maximum=2**32 - 1)

    def __post_init__(self) -> None:
        check_fields(self)
        check_decays(self.epochs, self.decay_epochs)
        parse_epochs(self.decay_at, "decay_at")
        self._check_augmentation()
        if parse_crop_sizes(self.crop_sizes) and self.crop:
            raise ZooError(f"crop is {self.crop:g} and crop_sizes {self.crop_sizes}: one of them must be 0 or none")
        try:
            re.compile(self.freeze)
        except re.error as error:
            raise ZooError(f"freeze is {self.freeze!r}, which is not a regular expression: {error}") from None

    def _check_augmentation(self) -> None:
        if self.randaugment_form != "torchvision" and self.randaugment > TIMM_MAGNITUDE:
            raise ZooError(
                f"randaugment is {self.randaugment:g}: the magnitude of timm's forms is 0 to {TIMM_MAGNITUDE}; with "
                "--randaugment-form torchvision it is up to 30"
            )
        if 0 < self.erase_area < SMALLEST_ERASED:
            raise ZooError(f"erase_area is {self.erase_area:g}: it must be 0, or at least {SMALLEST_ERASED}")
        if self.repeats > self.batch_size:
            raise ZooError(f"repeats is {self.repeats}: a batch has only {self.batch_size} images; use fewer")

    @property
    def update_size(self) -> int:
        """Images per update."""
        return self.batch_size * self.accumulate

    @property
    def computing_type(self) -> str:
        """The type of the computation; float32 in a configuration that was made by hand, where "auto" is undecided."""
        return "float32" if self.dtype == "auto" else self.dtype

    @property
    def network_fields(self) -> dict[str, float]:
        """The fields of the network that the recipe sets."""
        return {name: value for name in NETWORK_FIELDS if (value := getattr(self, name)) is not None}

    @property
    def crops_originals(self) -> bool:
        """Whether images are cropped, and flipped, when they are read; otherwise those of the image size are, later."""
        crops = self.crop > 0 or self.crop_sizes != NO_SIZES
        return crops and self.feed == "streamed" and self.fit != "pad"

    @property
    def mixes_images(self) -> bool:
        """Whether mixup or CutMix gives an image the labels of two classes."""
        return bool(self.mixup or self.cutmix)
