"""The packages that zoo needs, and those that it can use: their versions, and whether they fit."""

import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from zoo.doctor.findings import Finding, Section
from zoo.printable import printable
from zoo.runtime.network_packages import module_of_network, offered_networks

DISTRIBUTION = "zoo-cnn"
# What is looked at where zoo is no installed package, which would say what it needs.
NEEDED_PACKAGES = ("jax", "flax", "optax", "orbax-checkpoint", "grain", "tensorflow-datasets", "numpy", "pillow")
# The module to import, where its name is not that of the distribution.
MODULES = {
    "flax": "flax.linen",
    "orbax-checkpoint": "orbax.checkpoint",
    "pillow": "PIL",
    "tensorflow-datasets": "tensorflow_datasets",
}
# What an optional package makes possible.
OPTIONAL = {
    "huggingface_hub": "downloads weights from the Hugging Face hub",
    "pillow-heif": "reads photographs in HEIC",
    "tensorboardX": "train --tensorboard",
    "xprof": "shows what train --profile has recorded",
    "keras": "reads Keras's weights files, with h5py",
    "h5py": "reads Keras's weights files, with keras",
    "tensorflow": "prepares the data sets that TFDS cannot prepare without it",
    "torch": "compares networks with the originals, in tests",
    "torchvision": "compares networks with the originals, in tests",
    "timm": "compares networks with the originals, in tests",
}
# The starts of names of packages through which JAX uses devices other than CPUs.
PLUGINS = ("jax-cuda", "jax-rocm", "jax_cuda", "jax_rocm", "libtpu")


def installed_version(name: str) -> str:
    """The version of a distribution; empty where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def required() -> tuple[Requirement, ...]:
    """What zoo needs at least, as its own metadata say; without versions where zoo is no installed package."""
    stated = [one for one in _requirements() if one.marker is None or one.marker.evaluate({"extra": ""})]
    return tuple(stated or map(Requirement, NEEDED_PACKAGES))


def module_of(requirement: Requirement) -> str:
    """The module to import of a package."""
    return MODULES.get(requirement.name, requirement.name.replace("-", "_"))


def needed_packages(errors: Mapping[str, str]) -> Section:
    """The packages that zoo needs; `errors` are those of imports, by module."""
    found = [_package(one, errors) for one in (*required(), Requirement("jaxlib"))]
    return Section("packages", (*found, *_plugins()))


def optional_packages() -> Section:
    """The packages that zoo can use, with what each would allow."""
    tested = {one.name: one for one in _requirements()}
    found = []
    for name, use in OPTIONAL.items():
        version, bound = installed_version(name), tested.get(name)
        if version and bound and not _fits(version, bound):
            version = f"{version}, tested is {bound.specifier}"
        found.append(Finding(name, f"{version or '-'}  ({use})"))
    return Section("optional packages", tuple(found))


def modules_with_networks() -> list[str]:
    """The modules of installed packages that add networks to zoo."""
    return sorted({module_of_network(entry) for entry in offered_networks()} - {""})


def networks(errors: Mapping[str, str]) -> Section:
    """The networks of installed packages; `errors` are those of imports, by module."""
    return Section("networks of packages", tuple(_network(one, errors) for one in offered_networks()))


def _network(entry: metadata.EntryPoint, errors: Mapping[str, str]) -> Finding:
    package = entry.dist.name if entry.dist else "a package"
    name, value = printable(entry.name), printable(f"{entry.value}, of {package}")
    module = module_of_network(entry)
    if error := errors.get(module) if module else "it names no module":
        problem = f"the network {name} of {package} cannot be imported ({error})"
        return Finding(name, value, problem, f"update {package}, or uninstall it")
    return Finding(name, value)


def _package(requirement: Requirement, errors: Mapping[str, str]) -> Finding:
    name, version, module = requirement.name, installed_version(requirement.name), module_of(requirement)
    install = f'pip install "{requirement}"'
    if not version:
        return Finding(name, "not installed", f"{name} is not installed", install)
    if hiding := _hiding_file(module):
        problem = f"{hiding} is imported in place of {name}"
        return Finding(name, f"{version}, hidden", problem, "rename it, or start zoo in another folder")
    if error := errors.get(module):
        problem = f"{name} {version} cannot be imported ({error})"
        return Finding(name, f"{version}, cannot be imported", problem, f"{install} --force-reinstall")
    if not _fits(version, requirement):
        return Finding(name, version, f"{name} is {version}, zoo needs {requirement.specifier}", install)
    return Finding(name, version)


def _hiding_file(module: str) -> Path | None:
    """A file of the current folder that Python would import for a library."""
    if not {"", str(Path.cwd())}.intersection(sys.path):
        return None
    name = module.partition(".")[0]
    return next((file for file in (Path(f"{name}.py"), Path(name, "__init__.py")) if file.is_file()), None)


def _plugins() -> Iterable[Finding]:
    """What is installed to use other devices than CPUs; it must have the version of jaxlib."""
    jaxlib = installed_version("jaxlib")
    named = {one.metadata["Name"] or "": one.version for one in metadata.distributions()}
    for name, version in sorted(named.items()):
        if not name.startswith(PLUGINS):
            continue
        fits = name.startswith("libtpu") or version == jaxlib
        problem = "" if fits else f"{name} is {version} and jaxlib {jaxlib}, so that JAX does not use it"
        yield Finding(name, version, problem, "" if fits else f'pip install -U "{name}=={jaxlib}"')


def _requirements() -> Iterable[Requirement]:
    try:
        texts = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    for text in texts:
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def _fits(version: str, requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True
