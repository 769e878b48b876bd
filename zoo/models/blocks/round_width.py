"""Rounding of the number of channels, for networks whose width is scaled."""


def round_width(width: float, divisor: int = 8, least: float = 0.9) -> int:
    """The multiple of `divisor` nearest to `width`; the next larger one if that is less than `least` of `width`.

    `make_divisible` in the code of MobileNetV2 (Sandler et al., arXiv:1801.04381) and `round_filters` in the code of
    EfficientNet; torchvision rounds RegNet's widths to multiples of the group width by the same rule.
    """
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded if rounded >= least * width else rounded + divisor
