"""The result of counting: a `Row` a layer and a `Summary` a network."""

from dataclasses import dataclass, fields
from fractions import Fraction

from zoo.errors import ZooError

Number = int | Fraction


class CountError(ZooError):
    """A network that cannot be counted as asked: another input is needed, or the image is too small."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One layer: its own operation with what belongs to it, such as a bias.

    Geometry is a value an axis, height first. `stride` of a transposed convolution is how far apart it spreads its
    input. `parameters` are those that no earlier row has shown; `weights` those of them that are multiplied with the
    input (kernels), the rest being biases, scales and the like. `parameters_without_sharing` gives every output place
    its own copy. `macs` is None where the cost is not known. `receptive_field` is None along an axis whose whole extent
    is seen; `effective_stride` and `offset` (the first place's centre, pixel 0 being 0) are None once places are gone.
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
    effective_stride: tuple[Number | None, ...]
    offset: tuple[Number | None, ...]
    xla_flops: float | None = None


@dataclass(frozen=True)
class Misalignment:
    """Branches that meet out of step: their effective strides and the centres of their first places, an axis each."""

    path: str
    operation: str
    strides: tuple[tuple[Number, ...], ...]
    centres: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True)
class Summary:
    """All rows of a network for one input shape, and what is true of all of it.

    `parameters` and `batch_stats` are those of the network's variables; `unused` names those that no row uses, such as
    auxiliary heads in inference. `uncosted` lists the operations of unknown cost, which is not in `macs`.
    """

    model: str
    input_shape: tuple[int, ...]
    rows: tuple[Row, ...]
    parameters: int
    batch_stats: int
    unused: tuple[tuple[str, int], ...] = ()
    uncosted: tuple[str, ...] = ()
    misaligned: tuple[Misalignment, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions and matrix products, without those of `uncosted`."""
        return sum(row.macs or 0 for row in self.rows)

    @property
    def flops(self) -> int:
        """Two for each multiply-add."""
        return 2 * self.macs

    @property
    def parameters_without_sharing(self) -> int:
        """What the network would need if every output place had weights of its own."""
        return sum(row.parameters_without_sharing for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Bytes of all rows' outputs together."""
        return sum(row.activation_bytes for row in self.rows)

    @property
    def xla_flops(self) -> float | None:
        """The sum of the rows' `xla_flops`, or None where they were not asked for."""
        known = [row.xla_flops for row in self.rows if row.xla_flops is not None]
        return sum(known) if known else None

    def under(self, path: str) -> tuple[Row, ...]:
        """The rows of the module at `path` and of all inside it."""
        return tuple(row for row in self.rows if row.path == path or row.path.startswith(f"{path}/"))

    def to_text(self, *, width: int | None = None, without_sharing: bool = False) -> str:
        """A table for a terminal; columns are left out where it is narrower than the table needs."""
        from zoo.counting.render import text

        return text(self, width, without_sharing)

    def to_markdown(self, *, without_sharing: bool = False) -> str:
        """A Markdown table with its totals and notes."""
        from zoo.counting.render import markdown

        return markdown(self, without_sharing)

    def to_csv(self) -> str:
        """Comma-separated: a header, then a line a row, all columns, plain numbers."""
        from zoo.counting.render import csv_text

        return csv_text(self)

    def to_json(self) -> str:
        """Everything there is, as JSON."""
        from zoo.counting.render import json_text

        return json_text(self)


ROW_COLUMNS = tuple(field.name for field in fields(Row))
