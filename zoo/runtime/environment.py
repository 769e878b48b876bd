"""Variables of the environment that change how the libraries of a command behave, or end it in their own words."""

import os
import resource
import subprocess
import sys

from zoo.errors import ZooError

# Bytes of addresses, most of them never used, with which training works. XLA aborts with 2 GiB; with 1, readers of data
# sets wait for ever for threads.
MIN_ADDRESSES = 3 * 2**30
# Parses XLA_FLAGS, as the first use of a device does.
PARSE_XLA_FLAGS = "from jaxlib import _jax; _jax.CompileOptions()"


def plain_figures() -> None:
    """For command lines: Matplotlib's own style, and no windows, whatever this user's configuration says.

    So figures look the same for everyone. LaTeX, which a configuration may turn on, would take the names of layers for
    its own language.
    """
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = os.devnull


def check_xla_flags() -> None:
    """Raises ZooError if XLA cannot read the environment variable XLA_FLAGS: it would abort this process.

    So another process reads it first, which takes a second; it is not started where the variable is not set.
    """
    if not os.environ.get("XLA_FLAGS"):
        return
    tried = subprocess.run([sys.executable, "-c", PARSE_XLA_FLAGS], capture_output=True, text=True, errors="replace")
    # Lines of a log, "E1129 13:58:09.037011 21644 file.cc:63] text"; none where a version of jaxlib lacks the class.
    errors = [line.partition("] ")[2] for line in tried.stderr.splitlines() if line[:1] in "EF" and "] " in line]
    if tried.returncode and errors:
        raise ZooError(f"the environment variable XLA_FLAGS cannot be used: {errors[0]}")


def check_address_space() -> None:
    """Raises ZooError where the system gives this process fewer addresses than its libraries reserve."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= limit < MIN_ADDRESSES:
        raise ZooError(
            f"the limit of address space is {limit / 2**30:.1f} GiB, and JAX reserves {MIN_ADDRESSES / 2**30:.0f}: "
            "raise it with ulimit -v, or limit the memory of a container instead"
        )
