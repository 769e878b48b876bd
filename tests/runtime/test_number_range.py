"""Ranges of numbers: what is a number, what is in the range, and what a message says."""

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.runtime.number_range import NumberRange

WHOLE = NumberRange(minimum=1, maximum=1000)
REAL = NumberRange(minimum=0, below=1, whole=False)
NOT_NUMBERS = (
    "",
    " ",
    " 5",
    "5 ",
    "1_0",
    "²",
    "٣",
    "\uff15",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "ten",
    "1,5",
    "--1",
    "1e",
    "9" * 5000,
)


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1e2", "1.0", "0", "-1", "-0", "1001", "9" * 400, "+5"])
def test_not_a_whole_number_of_the_range(text):
    with pytest.raises(ZooError, match="is not a whole number from 1 to 1000") as error:
        WHOLE.parse(text)
    assert len(str(error.value)) < 120 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", [*NOT_NUMBERS, "1", "-1e-9", "0x1p-3", "1e308", "1e400", "1e-39", "0.99999999", "infinity"]
)
def test_not_a_number_of_the_range(text):
    with pytest.raises(ZooError, match="is not a float32 number from 0 to less than 1"):
        REAL.parse(text)


def test_numbers_of_the_range():
    assert [WHOLE.parse(text) for text in ("1", "007", "1000")] == [1, 7, 1000]
    assert [REAL.parse(text) for text in ("0", "-0.0", ".5", "5E-1", "1e-37", "0.9999999")] == [
        *(0, 0, 0.5, 0.5, 1e-37, 0.9999999)
    ]
    assert str(REAL.parse("-0.0")) == "0.0"


def test_float32_rounds_what_is_refused():
    """The largest and the smallest numbers that are taken are no others in float32 than in the range."""
    taken = [value for value in (1 - 2.0**-power for power in range(20, 30)) if REAL.has(value)]
    assert np.float32(max(taken)) < 1 <= np.float32(1 - (1 - max(taken)) / 2)
    assert REAL.has(2.0**-126) and not REAL.has(2.0**-127)


def test_values_out_of_range():
    for value in (True, None, "5", 5.0, 0, 1001, 10**5000, -(10**5000), float("nan"), [5], b"5"):
        with pytest.raises(ZooError, match=r"steps is .*: it must be a whole number from 1 to 1000") as error:
            WHOLE.check(value, "steps")
        assert len(str(error.value)) < 120
    WHOLE.check(np.int64(5), "steps")


def test_descriptions():
    assert [str(WHOLE), str(REAL), str(NumberRange(minimum=3))] == ["1 to 1000", "0 to less than 1", "at least 3"]
    assert str(NumberRange(maximum=1e9, whole=False)) == "0 to 1000000000"
    assert NumberRange(minimum=3).expected == "a whole number at least 3"
