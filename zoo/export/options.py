"""What an exported network takes and gives."""

from dataclasses import dataclass
from typing import Literal, get_args

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.limits import BATCH_SIZE

Preprocess = Literal["none", "normalize", "full"]
PREPROCESS = get_args(Preprocess)
Dtype = Literal["float32", "float16", "bfloat16"]
DTYPES = get_args(Dtype)
# Where not all image sizes are possible, those are that differ from the network's own by multiples of this.
SIZE_STEP = 32


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What an exported network takes and gives. Raises ZooError for values that do not go together.

    `batch` is the number of images per call, None for any. `any_size` takes images of any height and width, beside the
    network's own. `preprocess` is what is done inside: with "none" the file takes normalised float32 images [batch,
    height, width, channels], with "normalize" uint8 pixels of the network's image size, with "full" uint8 frames of any
    size, which it scales and crops as in evaluation. The file gives logits, with
    `softmax` probabilities, or the outputs of the layers in `features`, paths such as "inception_3a". `dtype` is the
    type of the weights and of the computation; images and outputs are float32 for each.
    """

    batch: int | None = None
    any_size: bool = False
    preprocess: Preprocess = "none"
    softmax: bool = False
    features: tuple[str, ...] = ()
    dtype: Dtype = "float32"

    def __post_init__(self) -> None:
        if self.batch is not None:
            BATCH_SIZE.check(self.batch, "batch")
        for name, value, known in (("preprocess", self.preprocess, PREPROCESS), ("dtype", self.dtype, DTYPES)):
            if value not in known:
                raise ZooError(f"{name} is {quoted(value)}: give {', '.join(known[:-1])} or {known[-1]}")
        if not isinstance(self.features, tuple | list) or not all(
            isinstance(name, str) and name for name in self.features
        ):
            raise ZooError(f"features is {quoted(self.features)}: give the paths of layers, as in ('conv1',)")
        object.__setattr__(self, "features", tuple(dict.fromkeys(self.features)))
        if self.softmax and self.features:
            raise ZooError("softmax is for the logits, and features of layers are asked for: leave out one of them")
        if self.any_size and self.preprocess == "full":
            raise ZooError("frames of any size are scaled to the image size: leave out any_size")

    @property
    def input_dtype(self) -> str:
        """The type of the images."""
        return "float32" if self.preprocess == "none" else "uint8"


DEFAULT_OPTIONS = ExportOptions()
