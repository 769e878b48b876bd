"""The results of counting as plain records: a `Row` per layer, and `NetworkCounts` for the network."""

from dataclasses import dataclass, fields
from fractions import Fraction

from zoo.errors import ZooError

Number = int | Fraction


class CountError(ZooError):
    """A network that cannot be counted for this input: another shape is needed, or the image is too small."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Row:
    """One layer: its main operation with what belongs to it, such as a bias.

    Geometry has one value per spatial axis, height first. `stride` of a transposed convolution is its upsampling
    factor. `parameters` are those that no earlier row has counted; of these, `weights` are multiplied with the input
    (kernels), and the others are biases, scales and the like. `parameters_without_sharing` counts a separate copy for
    every output position. `macs` is None where the cost is unknown. `receptive_field` is that of the position with the
    largest one, None along an axis where it is the whole image; padding counts as long as all positions have the same
    size. Where `receptive_field_exact` is False it is an upper bound, and None means unknown. `effective_stride` and
    `offset` (the centre of the first receptive field; pixel 0 is 0) are None where the output has no positions along
    the axis, or none in regular steps; of fields that differ, `offset` is given only if boxes of one size in such steps
    contain them. All three are in pixels of the image.
    """

    path: str
    operation: str
    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    padding: tuple[tuple[int, int], ...] | None
    dilation: tuple[int, ...] | None
    groups: int | None
    output_shape: tuple[int, ...]
    parameters: int
    weights: int
    batch_stats: int
    reused_parameters: int
    parameters_without_sharing: int
    macs: int | None
    activation_bytes: int
    receptive_field: tuple[Number | None, ...]
    receptive_field_exact: tuple[bool, ...]
    effective_stride: tuple[Number | None, ...]
    offset: tuple[Number | None, ...]
    xla_flops: float | None = None

    def __repr__(self) -> str:
        """What the layer is and costs; its geometry is in the table of a summary."""
        macs = "unknown MACs" if self.macs is None else f"{self.macs:,} MACs"
        return (
            f"Row({self.path or '-'}: {self.operation}, output {self.output_shape}, {self.parameters:,} parameters, "
            f"{macs})"
        )


@dataclass(frozen=True)
class Misalignment:
    """Joined branches that differ in effective stride or in the centre of their first receptive field, per axis."""

    path: str
    operation: str
    strides: tuple[tuple[Number, ...], ...]
    centres: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True, repr=False)
class NetworkCounts:
    """All rows of a network for one input shape, and its totals.

    `macs` are the multiply-adds of convolutions and matrix products, without those of `uncosted`. `parameters` and
    `batch_stats` are sizes of the network's variables. `unused` has (module, parameters) of what no row uses, such as
    auxiliary heads in inference. `uncosted` lists the operations of unknown cost, and each `cond` whose branches
    differ: of that the most expensive one counts. `is_first_call`: the counts are those of the call in `init`, as the
    network refuses another one with the same input (attention with a cache). With `has_transposed_convolutions`, `macs`
    has multiply-adds whose results padding cuts off, too.
    """

    model: str
    input_shape: tuple[int, ...]
    rows: tuple[Row, ...]
    macs: int
    parameters: int
    batch_stats: int
    unused: tuple[tuple[str, int], ...] = ()
    uncosted: tuple[str, ...] = ()
    misaligned: tuple[Misalignment, ...] = ()
    is_first_call: bool = False
    has_transposed_convolutions: bool = False

    def __repr__(self) -> str:
        """The totals."""
        size = "x".join(map(str, self.input_shape))
        return (
            f"{type(self).__name__}({self.model}, input {size}: {len(self.rows)} rows, {self.parameters:,} parameters, "
            f"{self.macs:,} MACs)"
        )

    @property
    def flops(self) -> int:
        """Two per multiply-add."""
        return 2 * self.macs

    @property
    def parameters_without_sharing(self) -> int:
        """Parameters that the network would have with separate weights for every output position."""
        return sum(row.parameters_without_sharing for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Bytes of the outputs of all rows."""
        return sum(row.activation_bytes for row in self.rows)

    @property
    def xla_flops(self) -> float | None:
        """Sum of the rows' `xla_flops`; None where they were not requested."""
        known = [row.xla_flops for row in self.rows if row.xla_flops is not None]
        return sum(known) if known else None

    def under(self, path: str) -> tuple[Row, ...]:
        """The rows of the module at `path` and of all modules inside it."""
        return tuple(row for row in self.rows if row.path == path or row.path.startswith(f"{path}/"))


# What a table of rows shows; whether a receptive field is exact stands in its cell.
ROW_COLUMNS = tuple(field.name for field in fields(Row) if field.name != "receptive_field_exact")
