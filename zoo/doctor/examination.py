"""All that `zoo doctor` looks at, in its order."""

import os
from collections.abc import Iterator

from zoo.doctor import machine, packages, variables
from zoo.doctor.devices import devices
from zoo.doctor.findings import Section
from zoo.doctor.probe import DEVICES
from zoo.doctor.probing import child_environment, probe
from zoo.errors import ZooError
from zoo.runtime.environment import check_xla_flags


def examine(seconds: float, network: bool) -> Iterator[Section]:
    """The sections, each as soon as it is known.

    Libraries are imported, and devices started, in another process, which is ended where one takes more than
    `seconds`. With `network` hosts are asked whether they answer.
    """
    yield machine.programs()
    flags_error = _xla_flags_error()
    modules = [packages.module_of(one) for one in packages.required()]
    steps = [*modules, DEVICES, *packages.modules_with_networks()]
    probed = probe(steps, seconds, child_environment("XLA_FLAGS") if flags_error else child_environment())
    yield packages.needed_packages(probed.errors)
    yield packages.optional_packages()
    if packages.modules_with_networks():
        yield packages.networks(probed.errors)
    yield devices(probed, os.environ.get("JAX_PLATFORMS", ""))
    yield variables.variables(os.environ, flags_error)
    yield machine.disk_and_memory()
    # These import JAX here, which would hang or crash as it did there.
    if not set(modules) & (probed.errors.keys() | set(probed.not_tried)):
        from zoo.doctor import storage

        yield storage.caches()
        yield storage.downloads()
        if network:
            yield storage.network()


def _xla_flags_error() -> str:
    try:
        check_xla_flags()
    except ZooError as error:
        return str(error)
    return ""
