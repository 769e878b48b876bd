"""Networks of installed packages: what their entry points say, without an import of the packages or of JAX."""

from importlib.metadata import EntryPoint, entry_points

GROUP = "zoo.models"


def offered_networks() -> list[EntryPoint]:
    """The entry points, sorted by name; one that two installations of a package state is there once."""
    found = {(entry.name, entry.value): entry for entry in entry_points(group=GROUP)}
    return [found[key] for key in sorted(found)]


def module_of_network(entry: EntryPoint) -> str:
    """The module that an entry point names; "" for a value that names none."""
    match = EntryPoint.pattern.match(entry.value)
    return match.group("module") if match else ""
