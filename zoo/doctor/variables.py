"""The variables of the environment that zoo and its libraries read."""

import re
from collections.abc import Mapping

from zoo.doctor.findings import Finding, Section
from zoo.errors import ZooError, suggestion
from zoo.printable import printable, shortened
from zoo.runtime.web.url import parse_url, redacted

# All of zoo's own.
OWN = ("ZOO_CACHE", "ZOO_TESTS_OPTIMIZED")
# Their starts: JAX and its platforms, and libraries with settings of their own.
FAMILIES = ("ZOO_", "JAX_", "XLA_", "TPU_", "LIBTPU_", "CUDA_", "NCCL_", "ROCR_", "HF_", "TFDS_", "KERAS_")
NAMES = (
    *("GLIBC_TUNABLES", "MPLCONFIGDIR", "OMP_NUM_THREADS", "PYTHONPATH", "PYTHONWARNINGS", "TMPDIR", "XDG_CACHE_HOME"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"),
)
SECRET = re.compile("TOKEN|SECRET|PASSWORD|KEY", re.IGNORECASE)
LONGEST = 100


def variables(environment: Mapping[str, str], flags_error: str) -> Section:
    """Those that are set, with their values, but for tokens and passwords; `flags_error` is XLA's about XLA_FLAGS."""
    names = sorted(name for name in environment if name.startswith(FAMILIES) or name.upper() in NAMES)
    found = [_variable(name, environment[name], flags_error) for name in names]
    return Section("environment variables", tuple(found or [Finding("-", "none is set that zoo or JAX reads")]))


def _variable(name: str, value: str, flags_error: str) -> Finding:
    return Finding(printable(name), _shown(name, value), *_problem(name, value, flags_error))


def _shown(name: str, value: str) -> str:
    if SECRET.search(name):
        return "set, not shown"
    return shortened(redacted(value), LONGEST) if "://" in value else shortened(printable(value), LONGEST)


def _problem(name: str, value: str, flags_error: str) -> tuple[str, str]:
    """What is wrong with a variable, and what to do."""
    if name.startswith("ZOO_") and name not in OWN:
        meant = suggestion(name, OWN).removeprefix("; ")
        return f"zoo does not read the variable {name}", meant or f"unset it; zoo reads {', '.join(OWN)}"
    if name == "XLA_FLAGS" and flags_error:
        return flags_error, "correct it, or unset it"
    if name == "HF_ENDPOINT":
        try:
            parse_url(value)
        except ZooError as error:
            return f"HF_ENDPOINT cannot be used ({error})", "give a URL as https://host, or unset it"
    return "", ""
