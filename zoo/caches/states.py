"""The state of each cache: where it is, and how much is in it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from zoo.caches.emptying import Amount, amount_in, own_folder
from zoo.caches.kinds import Cache
from zoo.errors import ZooError
from zoo.printable import printable
from zoo.runtime.system_errors import reason


@dataclass(frozen=True)
class CacheState:
    """`folder` is empty where it is not known, `problem` where there is none."""

    name: str
    contents: str
    folder: str
    amount: Amount
    problem: str

    def json_object(self) -> dict[str, Any]:
        """The state as an object of JSON."""
        record = asdict(self)
        amount = record.pop("amount")
        return {**record, **amount}


def cache_states(caches: Iterable[Cache]) -> list[CacheState]:
    """The states of caches, in their order."""
    return [_state(cache) for cache in caches]


def _state(cache: Cache) -> CacheState:
    folder, amount, problem = "", Amount(), ""
    try:
        folder = printable(own_folder(cache))
        amount = amount_in(cache)
    except ZooError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{printable(str(error.filename or folder))}: {reason(error)}"
    return CacheState(cache.name, cache.contents, folder, amount, problem)
