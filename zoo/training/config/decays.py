"""The epochs after which a learning rate is lowered."""

from fractions import Fraction
from itertools import pairwise

from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.number_range import NumberRange

MAX_EPOCHS = 10**6
MAX_DECAYS = 10_000
# The value of a setting for no list of epochs.
NO_EPOCHS = "none"
EPOCH = NumberRange(minimum=0.001, maximum=MAX_EPOCHS, whole=False)


def parse_epochs(text: str, name: str) -> tuple[Fraction, ...]:
    """The epochs of "30,60,80", exactly as written; () for "none". Raises ZooError, with the name, for another text."""
    if text == NO_EPOCHS:
        return ()
    parts = text.split(",", MAX_DECAYS)
    try:
        # As Fraction they have no rounding, which could move a decay by one update.
        epochs = tuple(Fraction(str(EPOCH.parse(part))) for part in parts)
    except ZooError:
        epochs = ()
    if not epochs or len(parts) > MAX_DECAYS or any(after <= before for before, after in pairwise(epochs)):
        raise ZooError(f"{name} is {quoted(text)}: give epochs ({EPOCH}) in ascending order, such as 30,60,80")
    return epochs


def check_decays(epochs: int, decay_epochs: float) -> None:
    """Raises ZooError where a run would lower its learning rate more often than MAX_DECAYS times."""
    if decay_epochs and epochs / decay_epochs > MAX_DECAYS:
        raise ZooError(
            f"decay_epochs is {decay_epochs}: in {epochs} epochs these are more than {MAX_DECAYS:,} decays; give more"
        )
